import { HOUR, MINUTE, SECOND } from '../../base/clock.ts'
import { WISH_MAX_MS } from '../../node/log-levels.ts'
import { isLogLevel, LOG_LEVELS, LOG_PARTS } from '../../node/log-options.ts'
import { ALL_PARTS } from '../../node/log-routes.ts'
import { isJsonObject, type JsonObject } from '../../protocol/json.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { didYouMean } from '../config/nearest-name.ts'
import { partLevelOf } from '../options/log.ts'
import { nodeAt, nodePlaceOf } from '../status/node-place.ts'
import { LogCommandError } from './errors.ts'
import type { LogLevelArgs } from './options.ts'

/** Tells what the running node logs, or changes it for a while. */
export async function logLevel(args: LogLevelArgs): Promise<CommandOutcome> {
  const levels = levelsOf(args.levels)
  const seconds = secondsOf(args.for)
  if (args.reset && args.levels.length > 0) throw malformed('Give levels or --reset, not both')
  const node = nodeAt(nodePlaceOf(args))
  const { signal } = new AbortController()
  if (args.reset) return outcomeOf(await node.resetLogLevels(signal))
  return outcomeOf(
    await (args.levels.length === 0 ? node.logLevels(signal) : node.setLogLevels({ levels, seconds }, signal)),
  )
}

/** What may be written for each part. @throws {LogCommandError} LOG_LEVEL_MALFORMED */
function levelsOf(words: readonly string[]): JsonObject {
  return Object.fromEntries(words.map((word) => (isLogLevel(word) ? [ALL_PARTS, word] : pairOf(word))))
}

function pairOf(word: string): readonly [string, string] {
  const pair = partLevelOf(word)
  if (pair !== undefined) return pair
  const [part = '', level] = word.split('=')
  const hint = level === undefined ? didYouMean(part, LOG_LEVELS) : (didYouMean(part, LOG_PARTS) ?? '')
  throw malformed(
    `${JSON.stringify(word)} is neither a level (${LOG_LEVELS.join(', ')}) nor part=level with a part of ${LOG_PARTS.join(', ')}${hint ? `. ${hint}` : ''}`,
  )
}

const UNITS: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR }

function secondsOf(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const ms = Number(digits) * (UNITS[unit] ?? 0)
  if (ms <= 0 || ms > WISH_MAX_MS) throw malformed('--for takes a time such as 90s, 10m or 2h, a day at most')
  return ms / SECOND
}

function outcomeOf(state: JsonObject): CommandOutcome {
  const levels = isJsonObject(state['levels']) ? Object.entries(state['levels']) : []
  const { until } = state
  const end = typeof until === 'string' ? `Until ${until}, then as configured.` : 'As configured.'
  return { result: { ...state }, lines: [...levels.map(([part, level]) => `${part.padEnd(12)} ${String(level)}`), end] }
}

function malformed(message: string): LogCommandError {
  return new LogCommandError('LOG_LEVEL_MALFORMED', message)
}
