import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import type { Timers } from '../base/timers.ts'
import type { LogLevel } from './log-options.ts'

export interface LogRepeatsOptions {
  /** A line and those that say the same within this time are counted together. */
  readonly windowMs: DurationMs
  /** So many of them are written; the rest become one line that tells their number. */
  readonly linesMax: number
  /** The same for debug and trace, which somebody asked for and wants to follow. */
  readonly detailLinesMax: number
  /** Different sentences that are counted at once. There are some hundred and fifty in the program. */
  readonly sentencesMax: number
}

export const defaultLogRepeatsOptions: LogRepeatsOptions = {
  windowMs: 10 * SECOND,
  linesMax: 20,
  // A hundred a second: more than anybody reads, and less than fills a disk in a day.
  detailLinesMax: 1_000,
  sentencesMax: 1_000,
}

/** What makes two lines say the same. */
export interface SaidLine {
  readonly level: LogLevel
  readonly part: string
  readonly sentence: string
}

export interface LogRepeatsComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly timers: Timers
  /** Told at the end of a window how many lines were left out. */
  readonly onRepeated: (line: SaidLine, count: number) => void
}

interface Said extends SaidLine {
  readonly startMs: DurationMs
  written: number
  leftOut: number
}

/** Keeps a fault that happens a thousand times a second from filling the log with one sentence. */
export class LogRepeats {
  readonly #components: LogRepeatsComponents
  readonly #options: LogRepeatsOptions
  readonly #said = new Map<string, Said>()
  #cancelLook: (() => void) | undefined

  constructor(components: LogRepeatsComponents, options: LogRepeatsOptions) {
    this.#components = components
    this.#options = options
  }

  /** Whether this line is written; counts it if not. */
  admits(level: LogLevel, part: string, sentence: string): boolean {
    const { linesMax, detailLinesMax, windowMs } = this.#options
    const said = this.#current(level, part, sentence)
    if (said.written < (level === 'debug' || level === 'trace' ? detailLinesMax : linesMax)) {
      said.written++
      return true
    }
    said.leftOut++
    this.#cancelLook ??= this.#components.timers.after(windowMs, () => this.#look())
    return false
  }

  /** Tells of all that was left out, and counts anew. */
  flush(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
    for (const key of [...this.#said.keys()]) this.#end(key)
  }

  #current(level: LogLevel, part: string, sentence: string): Said {
    const key = `${level} ${part} ${sentence}`
    const nowMs = this.#components.clock.monotonicMs()
    const held = this.#said.get(key)
    if (held !== undefined && nowMs - held.startMs < this.#options.windowMs) return held
    this.#end(key)
    if (this.#said.size >= this.#options.sentencesMax) this.#endOldest()
    const said = { level, part, sentence, startMs: nowMs, written: 0, leftOut: 0 }
    this.#said.set(key, said)
    return said
  }

  #look(): void {
    this.#cancelLook = undefined
    const { clock, timers } = this.#components
    const startedBefore = clock.monotonicMs() - this.#options.windowMs
    for (const [key, { startMs }] of [...this.#said]) if (startMs <= startedBefore) this.#end(key)
    const isCounting = [...this.#said.values()].some(({ leftOut }) => leftOut > 0)
    if (isCounting) this.#cancelLook = timers.after(this.#options.windowMs, () => this.#look())
  }

  #endOldest(): void {
    const oldest = this.#said.keys().next()
    if (!oldest.done) this.#end(oldest.value)
  }

  #end(key: string): void {
    const said = this.#said.get(key)
    this.#said.delete(key)
    if (said !== undefined && said.leftOut > 0) this.#components.onRepeated(said, said.leftOut)
  }
}
