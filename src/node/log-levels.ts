import { type Clock, type DurationMs, HOUR, MINUTE, type TimestampMs } from '../base/clock.ts'
import type { Timers } from '../base/timers.ts'
import { LOG_LEVELS, LOG_PARTS, type LogLevel, type LogLevelSettings, type LogPart } from './log-options.ts'

/** What the operator asks for, for a while; what it leaves out stays as configured. */
export interface LogLevelWish {
  readonly level?: LogLevel | undefined
  readonly parts: Readonly<Partial<Record<LogPart, LogLevel>>>
}

export interface LogLevelState {
  /** What is written now. */
  readonly levels: Readonly<Record<LogPart, LogLevel>>
  /** What is written when no wish is in force. */
  readonly configured: LogLevelSettings
  /** When the wish that is in force ends. */
  readonly untilMs: TimestampMs | undefined
}

/** How long a wish is in force when nobody says how long. */
export const WISH_DEFAULT_MS: DurationMs = 10 * MINUTE
/** Nobody remembers for longer that a node says more than usual. */
export const WISH_MAX_MS: DurationMs = 24 * HOUR

export interface LogLevelsComponents {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly timers: Timers
  /** Told when a wish has ended by itself. */
  readonly onFallBack: () => void
}

/** Which lines are written: by configuration, and for a while by the operator's wish. */
export class LogLevels {
  readonly #components: LogLevelsComponents
  #configured: LogLevelSettings
  #wish: { readonly levels: LogLevelWish; readonly untilMs: TimestampMs; readonly cancel: () => void } | undefined
  /** Lines up to this place in `LOG_LEVELS` are written. */
  readonly #ranks: Record<LogPart, number>

  constructor(components: LogLevelsComponents, configured: LogLevelSettings) {
    this.#components = components
    this.#configured = configured
    this.#ranks = this.#effective()
  }

  writes(part: LogPart, level: LogLevel): boolean {
    return RANKS[level] <= this.#ranks[part]
  }

  /** Takes new settings of the configuration. A wish that is in force goes on until its end. */
  configure(settings: LogLevelSettings): void {
    this.#configured = settings
    this.#apply()
  }

  /** Puts a wish in the place of the one that is in force. */
  wish(levels: LogLevelWish, forMs: DurationMs = WISH_DEFAULT_MS): void {
    this.#wish?.cancel()
    const lastsMs = Math.min(forMs, WISH_MAX_MS)
    const cancel = this.#components.timers.after(lastsMs, () => {
      this.reset()
      this.#components.onFallBack()
    })
    this.#wish = { levels, untilMs: this.#components.clock.nowMs() + lastsMs, cancel }
    this.#apply()
  }

  /** Back to the configuration at once. */
  reset(): void {
    this.#wish?.cancel()
    this.#wish = undefined
    this.#apply()
  }

  state(): LogLevelState {
    const levels = Object.fromEntries(LOG_PARTS.map((part) => [part, LOG_LEVELS[this.#ranks[part]]]))
    return {
      levels: levels as Record<LogPart, LogLevel>,
      configured: { level: this.#configured.level, parts: this.#configured.parts },
      untilMs: this.#wish?.untilMs,
    }
  }

  #apply(): void {
    Object.assign(this.#ranks, this.#effective())
  }

  #effective(): Record<LogPart, number> {
    const wished = this.#wish?.levels
    const { level, parts } = this.#configured
    const levelOf = (part: LogPart) => wished?.parts[part] ?? wished?.level ?? parts[part] ?? level
    return Object.fromEntries(LOG_PARTS.map((part) => [part, RANKS[levelOf(part)]])) as Record<LogPart, number>
  }
}

const RANKS = Object.fromEntries(LOG_LEVELS.map((level, rank) => [level, rank])) as Record<LogLevel, number>
