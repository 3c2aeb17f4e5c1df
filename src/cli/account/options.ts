import { jsonFlag } from '../keys/options.ts'

export interface AccountFileArgs {
  readonly file: string
  readonly json: boolean
}

/** What every command needs that speaks to the network as an account. */
export interface NetworkArgs {
  readonly seed: readonly string[]
  readonly 'seed-certificate': 'verified' | 'any'
  readonly account: string
  readonly json: boolean
}

export interface SendArgs extends NetworkArgs {
  readonly to: string
  readonly text: string | undefined
  readonly 'ttl-days': number
}

export interface ReceiveArgs extends NetworkArgs {
  readonly follow: boolean
  readonly interval: number
  readonly direct: boolean
}

export const accountFileFlags = {
  file: { type: 'string', describe: 'File that holds the account; who reads it is the account', demandOption: true },
  json: jsonFlag,
} as const

export const networkFlags = {
  seed: {
    // Not an array in yargs' sense: that would take the message, too, for a seed.
    type: 'string',
    coerce: (value: string | readonly string[]): readonly string[] => [value].flat(),
    requiresArg: true,
    describe: 'Address of a service node to learn the others from; give it several times for several',
    demandOption: true,
  },
  'seed-certificate': {
    choices: ['verified', 'any'],
    describe:
      "Which certificates to take from a seed; service nodes sign their own, so theirs are taken with 'any' only",
    default: 'verified',
  },
  account: { type: 'string', describe: 'File that holds your account', demandOption: true, requiresArg: true },
  json: jsonFlag,
} as const

export const sendFlags = {
  ...networkFlags,
  to: { type: 'string', describe: 'Account id of the recipient, 66 hex digits', demandOption: true, requiresArg: true },
  'ttl-days': { type: 'number', describe: 'Days after which the network forgets the message, at most 14', default: 14 },
} as const

export const receiveFlags = {
  ...networkFlags,
  follow: { type: 'boolean', describe: 'Go on, with messages as they come, until SIGINT or SIGTERM', default: false },
  interval: {
    type: 'number',
    describe: 'When following: seconds between two questions, while no node tells of messages by itself',
    default: 5,
  },
  direct: {
    type: 'boolean',
    describe:
      'When following: connect to a node that keeps your messages, without hops; it, and whoever sees your line, learns who reads what',
    default: false,
  },
} as const
