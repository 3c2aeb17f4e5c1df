export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'
/** From the least to the most talkative. */
export const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace']

export type LogFormat = 'json' | 'pretty'
export const LOG_FORMATS: readonly LogFormat[] = ['json', 'pretty']

/** Parts whose lines have a level of their own. Lines without a part are those of `node`. */
export const LOG_PARTS = [
  'node',
  'admin',
  'log',
  'network',
  'onion-relay',
  'peer-tests',
  'rpc',
  'staking',
  'storage',
  'swarm',
] as const
export type LogPart = (typeof LOG_PARTS)[number]

/** What is written of which part. */
export interface LogLevelSettings {
  /** Lines of this level and above are written. */
  readonly level: LogLevel
  /** The same for single parts. */
  readonly parts: Readonly<Partial<Record<LogPart, LogLevel>>>
}

export interface LogOptions extends LogLevelSettings {
  readonly format: LogFormat
}

export const defaultLogOptions: LogOptions = { level: 'info', format: 'json', parts: {} }

export function isLogLevel(text: unknown): text is LogLevel {
  return LOG_LEVELS.some((level) => level === text)
}

export function isLogPart(text: unknown): text is LogPart {
  return LOG_PARTS.some((part) => part === text)
}
