import { setTimeout as delay } from 'node:timers/promises'
import { SECOND } from '../../src/base/clock.ts'

const POLL_MS = 200
/** What must happen does so within seconds; a machine that does ten other things at once gets longer. */
const DEADLINE_MS = 120 * SECOND

/** Asks until there is an answer, and gives it. @throws when there is none by the deadline, with what was waited for. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + deadlineMs
  let failure: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
      failure = undefined
    } catch (error) {
      failure = error
    }
    if (performance.now() > end) throw new Error(`This did not happen: ${what}`, { cause: failure })
    await delay(POLL_MS)
  }
}
