import { jsonFlag } from '../keys/options.ts'

export interface LogLevelArgs {
  readonly levels: readonly string[]
  readonly for: string
  readonly reset: boolean
  readonly config: string | undefined
  readonly 'data-folder': string | undefined
  readonly json: boolean
}

export const logLevelFlags = {
  for: {
    type: 'string',
    describe: 'How long, such as 90s, 10m or 2h; a day at most. Then the levels are as configured again',
    default: '10m',
    requiresArg: true,
  },
  reset: { type: 'boolean', describe: 'Put the levels back as configured now', default: false },
  config: { type: 'string', describe: "The node's configuration file; its data folder is taken from it" },
  'data-folder': { type: 'string', describe: "The node's data folder (data)" },
  json: jsonFlag,
} as const
