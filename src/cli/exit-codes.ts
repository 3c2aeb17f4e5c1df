import { CodedError } from '../base/coded-error.ts'

/** What the exit code of every command means; scripts rely on it (docs/cli.md). */
export const EXIT = {
  /** Done, or all is well. */
  ok: 0,
  /** It failed, and none of the others says why. */
  failure: 1,
  /** A flag or the configuration is wrong; or an answer is needed and nobody can be asked. */
  usage: 2,
  /** A key is missing, malformed, or readable by others. */
  keys: 3,
  /** The chain cannot be read, or is the wrong one. */
  chain: 5,
  /** There is no stake, or too few tokens or ether for it. */
  stake: 6,
  /** The network cannot be reached, or no node could do the request. */
  unavailable: 69,
  /** A fault of the program. */
  internal: 70,
  /** It may work later: wait and run the same command again. */
  tryLater: 75,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

const BY_ERROR_CODE: Readonly<Record<string, ExitCode>> = {
  OPTION_INVALID: EXIT.usage,
  CONFIG_UNREADABLE: EXIT.usage,
  PRESET_UNREADABLE: EXIT.usage,
  STAKING_OPTIONS_INVALID: EXIT.usage,
  CONFIRMATION_IMPOSSIBLE: EXIT.usage,

  RECIPIENT_MALFORMED: EXIT.usage,
  RECIPIENT_INVALID: EXIT.usage,
  TEXT_MISSING: EXIT.usage,
  NUMBER_OUT_OF_RANGE: EXIT.usage,
  TOO_LARGE: EXIT.usage,

  ACCOUNT_INVALID: EXIT.keys,

  SEEDS_UNAVAILABLE: EXIT.unavailable,
  TOO_FEW_NODES: EXIT.unavailable,
  OFFLINE: EXIT.unavailable,
  TRANSPORT_TIMEOUT: EXIT.unavailable,
  PATHS_FAILED: EXIT.unavailable,
  SWARM_UNKNOWN: EXIT.unavailable,
  SWARM_UNAVAILABLE: EXIT.unavailable,

  CALL_REVERTED: EXIT.chain,
  CHAIN_WRONG: EXIT.chain,
  CONTRACT_WRONG: EXIT.chain,
  PROVIDERS_UNAVAILABLE: EXIT.chain,
  PROVIDERS_DISAGREE: EXIT.chain,
  EPOCH_UNKNOWN: EXIT.chain,
  MEMBERS_TOO_MANY: EXIT.chain,

  TOKENS_INSUFFICIENT: EXIT.stake,
  GAS_FUNDS_INSUFFICIENT: EXIT.stake,

  CONTRACT_CLOSED: EXIT.tryLater,
  TRANSACTION_PENDING: EXIT.tryLater,
}

/** Families of codes that share their beginning. */
const BY_PREFIX: readonly (readonly [string, ExitCode])[] = [
  ['SECRET_F', EXIT.keys],
  ['KEY_', EXIT.keys],
  ['PROVIDER_', EXIT.chain],
]

/** The exit code that tells a script what kind of failure it was. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof CodedError)) return EXIT.internal
  const code: string = error.code
  if (Object.hasOwn(BY_ERROR_CODE, code)) return BY_ERROR_CODE[code] ?? EXIT.failure
  return BY_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1] ?? EXIT.failure
}
