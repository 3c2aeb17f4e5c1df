import { MINUTE, SECOND } from '../../base/clock.ts'
import type { ServiceNodeOptions } from '../../node/options.ts'
import { DEFAULT_KEYS_FOLDER } from '../config/configuration-file.ts'
import { IP_ADDRESS } from './check.ts'
import type { OptionGroup } from './option-group.ts'

export type NodeArgs = {
  dataFolder: string
  keysFolder: string
  publicIp: string
  statusIntervalS: number
}

const STATUS_INTERVAL_DEFAULT_MS = 5 * MINUTE

export const nodeOptionGroup: OptionGroup<
  NodeArgs,
  Pick<ServiceNodeOptions, 'dataFolder' | 'keysFolder' | 'publicIp' | 'statusIntervalMs'>
> = {
  flags: {
    dataFolder: { type: 'string', describe: 'Folder for messages and all else that the node keeps', default: 'data' },
    keysFolder: { type: 'string', describe: "Folder of the node's keys", default: DEFAULT_KEYS_FOLDER },
    publicIp: {
      type: 'string',
      describe: 'IP address under which clients and other service nodes reach this node',
      form: IP_ADDRESS,
    },
    statusIntervalS: {
      type: 'number',
      describe: 'Seconds between two lines that tell how the node is doing',
      default: STATUS_INTERVAL_DEFAULT_MS / SECOND,
      min: 1,
    },
  },
  parse: (args) => ({
    dataFolder: args.dataFolder,
    keysFolder: args.keysFolder,
    publicIp: args.publicIp,
    statusIntervalMs: args.statusIntervalS * SECOND,
  }),
}
