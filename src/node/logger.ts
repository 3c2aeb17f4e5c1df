import { createRequire } from 'node:module'
import pino, { type DestinationStream, type Logger as Pino } from 'pino'
import type PinoPretty from 'pino-pretty'
import { CodedError } from '../base/coded-error.ts'
import type { Logger } from '../base/logger.ts'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'
export const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace']

export type LogFormat = 'json' | 'pretty'
export const LOG_FORMATS: readonly LogFormat[] = ['json', 'pretty']

export interface LogOptions {
  level: LogLevel
  format: LogFormat
}

export const defaultLogOptions: LogOptions = { level: 'info', format: 'json' }

/** A logger that writes lines to standard output, or to `destination`. */
export function createLogger({ level, format }: LogOptions, destination?: DestinationStream): Logger {
  const out = destination ?? standardOutput()
  const stream = format === 'pretty' ? prettyStream(out) : out
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: describeError },
      },
      stream,
    ),
  )
}

/** What a line may wait with when standard output takes none. More lines are lost. */
const UNWRITTEN_MAX_BYTES = 1024 * 1024

/** A disk that is full of logs, or of anything else, costs lines and not the node. */
function standardOutput(): DestinationStream {
  const out = pino.destination({ dest: 1, sync: true, maxLength: UNWRITTEN_MAX_BYTES })
  out.on('error', () => {})
  return out
}

/** Loaded only when somebody asks for it: most logs are read by programs. */
function prettyStream(destination: DestinationStream): DestinationStream {
  const pretty: typeof PinoPretty = createRequire(import.meta.url)('pino-pretty')
  return pretty({ destination, colorize: process.stdout.isTTY ?? false, ignore: 'pid,hostname' })
}

function wrap(log: Pino): Logger {
  return {
    error: (facts, sentence) => log.error(facts, sentence),
    warn: (facts, sentence) => log.warn(facts, sentence),
    info: (facts, sentence) => log.info(facts, sentence),
    debug: (facts, sentence) => log.debug(facts, sentence),
    trace: (facts, sentence) => log.trace(facts, sentence),
    part: (part) => wrap(log.child({ part })),
  }
}

const CAUSES_MAX = 4

/** What may be said of an error: names, codes and facts. URLs lose all but their host, since providers put keys into them. */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: withoutUrls(String(error)) }
  const coded = error instanceof CodedError
  return {
    name: error.name,
    message: withoutUrls(error.message),
    ...(coded ? { code: error.code, details: error.details } : { stack: withoutUrls(error.stack ?? '') }),
    ...(error.cause !== undefined && depth < CAUSES_MAX ? { cause: describeError(error.cause, depth + 1) } : {}),
  }
}

function withoutUrls(text: string): string {
  return text.replace(/\b((?:https?|wss?):\/\/)(?:[^\s/@"')]*@)?([^\s/:?#"')]+)[^\s"')]*/g, '$1$2/…')
}
