import { SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json.ts'
import { type AdminAnswer, failure } from './admin-socket.ts'
import { type LogLevels, type LogLevelWish, WISH_DEFAULT_MS, WISH_MAX_MS } from './log-levels.ts'
import { isLogLevel, isLogPart, LOG_LEVELS, LOG_PARTS } from './log-options.ts'

/** Name of all parts together in a request. */
export const ALL_PARTS = 'all'

/** What the operator's socket answers about log levels: it tells them, changes them for a while, and takes that back. */
export interface LogRoutes {
  show(): AdminAnswer
  change(asked: JsonValue | undefined): AdminAnswer
  reset(): AdminAnswer
}

export function createLogRoutes({ log, levels }: { readonly log: Logger; readonly levels: LogLevels }): LogRoutes {
  const show = (): AdminAnswer => {
    const { untilMs, ...state } = levels.state()
    return { status: 200, body: { ...state, until: untilMs === undefined ? null : new Date(untilMs).toISOString() } }
  }
  return {
    show,
    change(asked) {
      const wish = isJsonObject(asked) ? wishOf(asked['levels']) : undefined
      const forMs = isJsonObject(asked) ? forMsOf(asked['seconds']) : undefined
      if (wish === undefined || forMs === undefined) return MALFORMED
      levels.wish(wish, forMs)
      log.info({ ...wish, seconds: forMs / SECOND }, 'The operator has changed log levels for a while')
      return show()
    },
    reset() {
      levels.reset()
      log.info({}, 'The operator has put log levels back as configured')
      return show()
    },
  }
}

const MALFORMED = failure(
  400,
  'REQUEST_MALFORMED',
  `levels must be an object of levels (${LOG_LEVELS.join(', ')}) by part (${ALL_PARTS}, ${LOG_PARTS.join(', ')}), and seconds a number from 1 to ${WISH_MAX_MS / SECOND}`,
)

function wishOf(asked: JsonValue | undefined): LogLevelWish | undefined {
  if (!isJsonObject(asked)) return undefined
  const { [ALL_PARTS]: level, ...parts } = asked as JsonObject
  const isRight = Object.entries(parts).every(([part, each]) => isLogPart(part) && isLogLevel(each))
  const isEmpty = level === undefined && Object.keys(parts).length === 0
  if (!isRight || isEmpty || (level !== undefined && !isLogLevel(level))) return undefined
  return { level, parts }
}

function forMsOf(seconds: JsonValue | undefined): number | undefined {
  if (seconds === undefined) return WISH_DEFAULT_MS
  if (typeof seconds !== 'number' || !Number.isInteger(seconds)) return undefined
  return seconds >= 1 && seconds * SECOND <= WISH_MAX_MS ? seconds * SECOND : undefined
}
