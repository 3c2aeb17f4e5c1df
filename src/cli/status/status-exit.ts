import type { NodeStatus, StatusProblem } from '../../node/status.ts'
import type { ProblemCode } from '../../node/status-problem-kinds.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

/** What a script can tell apart of what is wrong. */
const EXIT_CODES: Partial<Readonly<Record<ProblemCode, ExitCode>>> = {
  NODE_NOT_RUNNING: EXIT.notRunning,
  NODE_SILENT: EXIT.unavailable,
  CONFIG_INVALID: EXIT.usage,
  KEYS_UNUSABLE: EXIT.keys,
  LIST_UNREAD: EXIT.chain,
  STAKE_UNREADABLE: EXIT.chain,
  CONTRACT_CHANGED: EXIT.chain,
  STAKE_NOT_REGISTERED: EXIT.stake,
  STAKE_GONE: EXIT.stake,
  STAKE_LIQUIDATABLE: EXIT.stake,
  STORAGE_NOT_WRITABLE: EXIT.disk,
  PEERS_UNKNOWN: EXIT.unavailable,
  HTTPS_UNREACHABLE: EXIT.unavailable,
  LIBP2P_UNREACHABLE: EXIT.unavailable,
  // These pass by themselves.
  NODE_STARTING: EXIT.tryLater,
  NODE_STOPPING: EXIT.tryLater,
  STAKE_PENDING: EXIT.tryLater,
  STAKE_NOT_COUNTED: EXIT.tryLater,
  CONTENTS_FETCHING: EXIT.tryLater,
}

/** 0 for a node that serves and has nothing critical; else what the worst problem says. */
export function exitCodeOfStatus(
  { health, problems }: Pick<NodeStatus, 'health' | 'problems'>,
  { strict }: { readonly strict: boolean },
): ExitCode {
  const critical = problems.find(({ severity }) => severity === 'critical')
  if (critical !== undefined) return codeOf(critical)
  if (health === 'not-serving') return problems.map(codeOf).find((code) => code !== EXIT.failure) ?? EXIT.failure
  if (health === 'unknown') return EXIT.failure
  return strict && problems.some(({ severity }) => severity === 'warning') ? EXIT.failure : EXIT.ok
}

function codeOf({ code }: StatusProblem): ExitCode {
  return EXIT_CODES[code] ?? EXIT.failure
}
