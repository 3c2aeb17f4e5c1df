import type { TimestampMs } from '../base/clock.ts'
import { CodedError } from '../base/coded-error.ts'
import { type AdminHandler, failure } from './admin-socket.ts'
import { type NodeStatus, STATUS_VERSION, type StatusSections } from './status.ts'
import { SECTION_NAMES } from './status-problem-kinds.ts'
import { problem } from './status-problems.ts'

export type StartingErrorCode =
  /** The service node has not started yet: the message says what it waits for. */
  'NODE_STARTING'

export class StartingError extends CodedError<StartingErrorCode> {}

/** What there is to say before there are parts to ask; `reason` says what the start waits for. */
export function startingStatus(takenAtMs: TimestampMs, reason: string): NodeStatus {
  const sections = Object.fromEntries(
    SECTION_NAMES.map((name) => [name, { state: 'absent', reason: 'The node starts' }]),
  ) as StatusSections
  const problems = [problem('NODE_STARTING', reason)]
  return { version: STATUS_VERSION, takenAtMs, health: 'not-serving', sections, problems }
}

/** What the operator is answered meanwhile: a start may wait minutes for the chain, and a node that does not answer seems not to run. */
export function createStartingRoutes(status: () => NodeStatus): AdminHandler {
  return async ({ method, path }) => {
    const now = status()
    if (method === 'GET' && path === '/v1/status') return { status: 200, body: now }
    const { code, message } = stillStarting(now)
    return failure(503, code, message)
  }
}

function stillStarting({ problems }: NodeStatus): StartingError {
  const [why] = problems
  return new StartingError('NODE_STARTING', `${why?.reason ?? 'The node starts'}. Ask again when it has started`)
}
