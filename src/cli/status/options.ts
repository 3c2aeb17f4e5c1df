import { jsonFlag } from '../keys/options.ts'

/** Which node it is. */
export interface NodePlaceArgs {
  readonly config: string | undefined
  readonly network: string | undefined
  readonly 'data-folder': string | undefined
  readonly json: boolean
}

export interface StatusArgs extends NodePlaceArgs {
  readonly strict: boolean
}

export interface PeersArgs extends NodePlaceArgs {
  readonly count: number
}

export const nodePlaceFlags = {
  config: {
    type: 'string',
    describe:
      "The node's configuration file; its folders are taken from it (/etc/starling/starling.yml if there is one)",
  },
  network: { type: 'string', describe: 'Network preset, where the configuration names none' },
  'data-folder': { type: 'string', describe: "The node's data folder (data)" },
  json: jsonFlag,
} as const

export const statusFlags = {
  ...nodePlaceFlags,
  strict: { type: 'boolean', describe: 'Let the exit code tell of warnings too', default: false },
} as const

const PEERS_SHOWN = 50

export const peersFlags = {
  count: { type: 'number', describe: 'So many of them, 1000 at most', default: PEERS_SHOWN, requiresArg: true },
  ...nodePlaceFlags,
} as const
