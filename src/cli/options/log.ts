import {
  defaultLogOptions as defaults,
  isLogLevel,
  isLogPart,
  LOG_FORMATS,
  LOG_LEVELS,
  LOG_PARTS,
  type LogFormat,
  type LogLevel,
  type LogOptions,
  type LogPart,
} from '../../node/log-options.ts'
import type { ListForm } from './check.ts'
import type { OptionGroup } from './option-group.ts'

export type LogArgs = {
  'log.level': LogLevel
  'log.levels': string[]
  'log.format': LogFormat
}

const PART_LEVELS: ListForm = {
  accepts: (text) => partLevelOf(text) !== undefined,
  wanted: `part=level, such as swarm=debug, with a part of ${LOG_PARTS.join(', ')} and a level of ${LOG_LEVELS.join(', ')}`,
  max: LOG_PARTS.length,
}

export const logOptionGroup: OptionGroup<LogArgs, LogOptions> = {
  flags: {
    'log.level': {
      type: 'string',
      choices: LOG_LEVELS,
      describe: 'Log lines of this level and above',
      default: defaults.level,
      reloads: true,
    },
    'log.levels': {
      type: 'array',
      describe: 'The same for single parts of the node, such as swarm=debug',
      default: [],
      items: PART_LEVELS,
      reloads: true,
    },
    'log.format': {
      type: 'string',
      choices: LOG_FORMATS,
      describe: 'How log lines are written',
      default: defaults.format,
    },
  },
  parse: (args) => ({
    level: args['log.level'],
    format: args['log.format'],
    parts: partLevelsOf(args['log.levels']),
  }),
}

/** Reads `part=level`; undefined when there is no such part or level. */
export function partLevelOf(text: string): readonly [LogPart, LogLevel] | undefined {
  const [part, level, ...rest] = text.split('=')
  return isLogPart(part) && isLogLevel(level) && rest.length === 0 ? [part, level] : undefined
}

/** What of a list is `part=level`; the last counts when a part has several. */
export function partLevelsOf(texts: readonly string[]): Partial<Record<LogPart, LogLevel>> {
  return Object.fromEntries(texts.map(partLevelOf).filter((pair) => pair !== undefined))
}
