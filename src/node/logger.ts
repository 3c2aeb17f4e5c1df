import { createRequire } from 'node:module'
import pino, { type Logger as Pino } from 'pino'
import type PinoPretty from 'pino-pretty'
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers } from '../base/timers.ts'
import { isJournal, withPriority } from './journal.ts'
import { describeFacts, describeText } from './log-facts.ts'
import { LogLevels } from './log-levels.ts'
import type { LogMetrics } from './log-metrics.ts'
import { isLogPart, type LogFormat, type LogLevel, type LogOptions } from './log-options.ts'
import { FileOutput, type LogOutput, WAITING_MAX_BYTES } from './log-output.ts'
import { defaultLogRepeatsOptions, LogRepeats, type SaidLine } from './log-repeats.ts'

/** The log of one node: what its parts write to, and what can be changed while it runs. */
export interface NodeLog {
  readonly log: Logger
  readonly levels: LogLevels
  /** From now on lines are counted. */
  countIn(metrics: LogMetrics): void
  /** Writes out what waits, at the end of the process. */
  flush(): void
}

/** How long the end of the process may wait for whoever reads the log. */
const FLUSH_MAX_MS = 250

/** A log on standard output, or in `destination`. */
export function openLog(options: LogOptions, destination?: LogOutput): NodeLog {
  const writer = new LogWriter(options, destination)
  return {
    log: writer.logger('node'),
    levels: writer.levels,
    countIn: (metrics) => writer.countIn(metrics),
    flush: () => writer.flush(),
  }
}

/** For whoever changes nothing while it runs. */
export function createLogger(options: LogOptions, destination?: LogOutput): Logger {
  return openLog(options, destination).log
}

class LogWriter {
  readonly levels: LogLevels
  readonly #repeats: LogRepeats
  readonly #lines: Pino
  readonly #file: FileOutput | undefined
  #metrics: LogMetrics | undefined
  /** That of the line that is being written. */
  #level: LogLevel = 'info'

  constructor({ format, ...settings }: LogOptions, destination: LogOutput | undefined) {
    const components = { clock: systemClock, timers: systemTimers }
    const own = this.logger('log')
    const onFallBack = () => own.info({}, 'Log levels are as configured again')
    this.levels = new LogLevels({ ...components, onFallBack }, settings)
    const onRepeated = ({ level, part, sentence }: SaidLine, repeated: number) =>
      this.#write(level, part, { repeated }, sentence)
    this.#repeats = new LogRepeats({ ...components, onRepeated }, defaultLogRepeatsOptions)
    this.#file = destination === undefined ? this.#standardOutput() : undefined
    this.#lines = linesTo(destination ?? this.#prioritized(this.#file as LogOutput), format)
  }

  logger(part: string): Logger {
    const say = (level: LogLevel) => (facts: object, sentence: string) => this.#say(level, part, facts, sentence)
    const levels = { error: say('error'), warn: say('warn'), info: say('info') }
    return { ...levels, debug: say('debug'), trace: say('trace'), part: (name) => this.logger(name) }
  }

  countIn(metrics: LogMetrics): void {
    this.#metrics = metrics
  }

  flush(): void {
    this.#repeats.flush()
    this.#file?.flush(FLUSH_MAX_MS)
  }

  #standardOutput(): FileOutput {
    const onLost = (lost: number) => {
      this.#metrics?.lostLines.add(lost)
      this.#write('warn', 'log', { lost }, 'Log lines were lost: whoever reads them is too slow, or its disk is full')
    }
    const output = new FileOutput(
      { timers: systemTimers, onLost },
      { fileDescriptor: 1, waitingMaxBytes: WAITING_MAX_BYTES },
    )
    process.once('exit', () => this.flush())
    return output
  }

  /** To the journal, lines have to say how much they matter outside of their JSON. */
  #prioritized(output: LogOutput): LogOutput {
    if (!isJournal(1, process.env)) return output
    return { write: (text) => output.write(withPriority(this.#level, text)) }
  }

  #say(level: LogLevel, part: string, facts: object, sentence: string): void {
    if (!this.levels.writes(isLogPart(part) ? part : 'node', level)) return
    if (this.#repeats.admits(level, part, sentence)) this.#write(level, part, facts, sentence)
    else this.#metrics?.repeatedLines.inc()
  }

  #write(level: LogLevel, part: string, facts: object, sentence: string): void {
    this.#metrics?.lines.inc({ level })
    this.#level = level
    this.#lines[level]({ ...(part !== 'node' && { part }), ...describeFacts(facts) }, describeText(sentence))
  }
}

function linesTo(output: LogOutput, format: LogFormat): Pino {
  return pino(
    {
      // Which lines there are was decided before.
      level: 'trace',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'pretty' ? prettyOutput(output) : output,
  )
}

/** Loaded only when somebody asks for it: most logs are read by programs. */
function prettyOutput(output: LogOutput): LogOutput {
  const { prettyFactory }: typeof PinoPretty = createRequire(import.meta.url)('pino-pretty')
  const isColored = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
  const pretty = prettyFactory({ colorize: isColored, ignore: 'pid,hostname' })
  return { write: (line) => void output.write(pretty(line)) }
}
