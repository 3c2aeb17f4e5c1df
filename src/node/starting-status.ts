import type { TimestampMs } from '../base/clock.ts'
import { type AdminHandler, failure } from './admin-socket.ts'
import { type NodeStatus, STATUS_VERSION, type StatusSections } from './status.ts'
import { SECTION_NAMES } from './status-problem-kinds.ts'
import { problem } from './status-problems.ts'

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
    return failure(
      503,
      'NODE_STARTING',
      `${now.problems[0]?.reason ?? 'The node starts'}; ask again when it has started`,
    )
  }
}
