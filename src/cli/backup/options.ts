import { jsonFlag } from '../keys/options.ts'
import { chainFlags } from '../stake/options.ts'

/** Which node it is. */
interface NodeArgs {
  readonly config: string | undefined
  readonly network: string | undefined
  readonly contract: string | undefined
  readonly 'chain-id': number | undefined
  readonly 'keys-folder': string | undefined
  readonly 'data-folder': string | undefined
  readonly json: boolean
}

export interface BackupArgs extends NodeArgs {
  readonly to: string
}

export interface RestoreArgs extends NodeArgs {
  readonly from: string
}

const nodeFlags = {
  config: {
    type: 'string',
    describe: "The node's configuration file; network, contract and folders are taken from it",
  },
  network: chainFlags.network,
  contract: chainFlags.contract,
  'chain-id': chainFlags['chain-id'],
  'keys-folder': { type: 'string', describe: "Folder with this service node's keys (data/keys)" },
  'data-folder': { type: 'string', describe: "The node's data folder (data)" },
  json: jsonFlag,
} as const

export const backupFlags = {
  to: { type: 'string', describe: 'New folder for the backup', demandOption: true, requiresArg: true },
  ...nodeFlags,
} as const

export const restoreFlags = {
  from: { type: 'string', describe: 'Folder of the backup', demandOption: true, requiresArg: true },
  ...nodeFlags,
} as const
