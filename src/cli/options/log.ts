import {
  defaultLogOptions as defaults,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  type LogOptions,
} from '../../node/logger.ts'
import type { OptionGroup } from './option-group.ts'

export type LogArgs = {
  'log.level': LogLevel
  'log.format': LogFormat
}

export const logOptionGroup: OptionGroup<LogArgs, LogOptions> = {
  flags: {
    'log.level': {
      type: 'string',
      choices: LOG_LEVELS,
      describe: 'Log lines of this level and above',
      default: defaults.level,
    },
    'log.format': {
      type: 'string',
      choices: LOG_FORMATS,
      describe: 'How log lines are written',
      default: defaults.format,
    },
  },
  parse: (args) => ({ level: args['log.level'], format: args['log.format'] }),
}
