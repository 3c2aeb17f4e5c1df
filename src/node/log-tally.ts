import type { Clock, TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { LogFacts } from './status.ts'

export interface LogTally {
  readonly log: Logger
  facts(): LogFacts
}

/** Enough to see what an hour brought. */
const NEWEST_MAX = 10

/** Counts what goes through a log, and keeps the newest errors: their sentences, which are constant, and nothing of their facts. */
export function tallyLog(log: Logger, clock: Pick<Clock, 'nowMs'>): LogTally {
  let [warnings, errors] = [0, 0]
  const newest: { atMs: TimestampMs; part: string; sentence: string }[] = []
  const tallied = (inner: Logger, part: string): Logger => ({
    error(facts, sentence) {
      errors++
      newest.push({ atMs: clock.nowMs(), part, sentence })
      if (newest.length > NEWEST_MAX) newest.shift()
      inner.error(facts, sentence)
    },
    warn(facts, sentence) {
      warnings++
      inner.warn(facts, sentence)
    },
    info: (facts, sentence) => inner.info(facts, sentence),
    debug: (facts, sentence) => inner.debug(facts, sentence),
    trace: (facts, sentence) => inner.trace(facts, sentence),
    part: (name) => tallied(inner.part(name), name),
  })
  return { log: tallied(log, 'node'), facts: () => ({ warnings, errors, newest: [...newest] }) }
}
