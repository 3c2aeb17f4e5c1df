import { CodedError } from '../base/coded-error.ts'

/** The exit codes of every command; scripts rely on them (docs/cli.md). */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  keys: 3,
  notRunning: 4,
  chain: 5,
  stake: 6,
  unavailable: 69,
  internal: 70,
  disk: 74,
  tryLater: 75,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What each of them means. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Done, or all is well',
  failure: 'It failed, and none of the others says why',
  usage:
    'A flag or the configuration is wrong, or what is in the data folder is of a newer version; or an answer is needed and nobody can be asked',
  keys: 'A key is missing, malformed, or readable by others; or a passphrase does not open it',
  notRunning: 'The command needs the running service node, and none of this user runs with this data folder',
  chain: 'The chain cannot be read, or is the wrong one',
  stake: 'There is no stake, or too few tokens or ether for it',
  unavailable: 'The network, a node, or a port or folder that another process has cannot be had',
  internal: 'A fault of the program',
  disk: 'The message database cannot be read or written: the disk failed or is full. Starting again opens it cleanly, and is safe',
  tryLater: 'It may work later: wait and run the same command again',
}

/** For the end of every help text. */
export const EXIT_CODES_TEXT = `Exit codes: ${Object.entries(EXIT)
  .map(([name, code]) => `${code} ${name}`)
  .join(', ')}; docs/cli.md tells what they mean`

export const BY_ERROR_CODE: Readonly<Record<string, ExitCode>> = {
  USAGE: EXIT.usage,
  OPTION_INVALID: EXIT.usage,
  OPTION_UNKNOWN: EXIT.usage,
  CONFIG_EXISTS: EXIT.usage,
  CONFIG_UNREADABLE: EXIT.usage,
  PRESET_UNREADABLE: EXIT.usage,
  STAKING_OPTIONS_INVALID: EXIT.usage,
  BOOTSTRAP_INVALID: EXIT.usage,
  LIMITS_EXCEED_MEMORY: EXIT.usage,
  CONFIRMATION_IMPOSSIBLE: EXIT.usage,
  OPERATOR_UNKNOWN: EXIT.usage,
  PASSPHRASE_IMPOSSIBLE: EXIT.usage,
  SESSION_NODE_UNCONFIRMED: EXIT.usage,
  SCHEMA_UNSUPPORTED: EXIT.usage,

  RECIPIENT_MALFORMED: EXIT.usage,
  RECIPIENT_INVALID: EXIT.usage,
  TERMINAL_MISSING: EXIT.usage,
  TEXT_MISSING: EXIT.usage,
  TEXT_MALFORMED: EXIT.usage,
  NUMBER_OUT_OF_RANGE: EXIT.usage,
  LOG_LEVEL_MALFORMED: EXIT.usage,
  TOO_LARGE: EXIT.usage,

  ACCOUNT_INVALID: EXIT.keys,
  CERTIFICATE_KEY_EXPOSED: EXIT.keys,

  LISTEN_FAILED: EXIT.unavailable,
  DATABASE_LOCKED: EXIT.unavailable,

  SEEDS_UNAVAILABLE: EXIT.unavailable,
  TOO_FEW_NODES: EXIT.unavailable,
  OFFLINE: EXIT.unavailable,
  TRANSPORT_TIMEOUT: EXIT.unavailable,
  PATHS_FAILED: EXIT.unavailable,
  SWARM_UNKNOWN: EXIT.unavailable,
  SWARM_UNAVAILABLE: EXIT.unavailable,

  WRITE_FAILED: EXIT.disk,
  NOT_WRITABLE: EXIT.disk,
  READ_FAILED: EXIT.disk,
  DATABASE_CORRUPT: EXIT.disk,
  DATABASE_OPEN_FAILED: EXIT.disk,
  RECORD_CORRUPT: EXIT.disk,

  BACKUP_EXISTS: EXIT.usage,
  BACKUP_MISSING: EXIT.usage,
  BACKUP_OF_OTHER_NETWORK: EXIT.usage,
  RESTORE_NOT_EMPTY: EXIT.usage,
  BACKUP_OWNER: EXIT.usage,
  BACKUP_NOTHING: EXIT.notRunning,
  BACKUP_NO_ROOM: EXIT.disk,
  BACKUP_FAILED: EXIT.disk,
  BACKUP_RUNNING: EXIT.tryLater,

  ADMIN_SOCKET_UNUSABLE: EXIT.unavailable,
  NODE_STARTING: EXIT.tryLater,
  NODE_NOT_RUNNING: EXIT.notRunning,
  NODE_SILENT: EXIT.unavailable,
  NODE_OF_OTHER_USER: EXIT.usage,
  NODE_BUSY: EXIT.tryLater,

  CALL_REVERTED: EXIT.chain,
  CHAIN_WRONG: EXIT.chain,
  CONTRACT_WRONG: EXIT.chain,
  PROVIDERS_UNAVAILABLE: EXIT.chain,
  PROVIDERS_DISAGREE: EXIT.chain,
  EPOCH_UNKNOWN: EXIT.chain,
  MEMBERS_TOO_MANY: EXIT.chain,

  TOKENS_INSUFFICIENT: EXIT.stake,
  STAKE_MISSING: EXIT.stake,
  CLAIM_TOO_LARGE: EXIT.stake,
  GAS_FUNDS_INSUFFICIENT: EXIT.stake,

  CONTRACT_CLOSED: EXIT.tryLater,
  GAS_COST_TOO_HIGH: EXIT.tryLater,
  TRANSACTION_PENDING: EXIT.tryLater,
  WAIT_NOT_OVER: EXIT.tryLater,
  ACCOUNT_BUSY: EXIT.tryLater,

  SIGNATURES_INSUFFICIENT: EXIT.tryLater,
  SIGNATURES_BUSY: EXIT.tryLater,
  SIGNATURE_WORK_FAILED: EXIT.tryLater,
  SIGNATURE_NODE_FAILED: EXIT.unavailable,
  REWARDS_UNKNOWN: EXIT.tryLater,
}

/** Families of codes that share their beginning. */
const BY_PREFIX: readonly (readonly [string, ExitCode])[] = [
  ['SECRET_F', EXIT.keys],
  ['KEY_', EXIT.keys],
  ['KEYSTORE_', EXIT.keys],
  ['PASSPHRASE_', EXIT.keys],
  ['PROVIDER_', EXIT.chain],
]

/** The exit code that tells a script what kind of failure it was. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof CodedError)) return EXIT.internal
  const code: string = error.code
  if (Object.hasOwn(BY_ERROR_CODE, code)) return BY_ERROR_CODE[code] ?? EXIT.failure
  return BY_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1] ?? EXIT.failure
}
