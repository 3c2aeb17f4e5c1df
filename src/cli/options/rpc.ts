import { defaultRpcOptions as defaults, type RpcOptions } from '../../rpc/options.ts'
import { IP_ADDRESS, PORT_RANGE } from './check.ts'
import type { OptionGroup } from './option-group.ts'

export type RpcArgs = {
  'rpc.listenAddress': string
  'rpc.port': number
  'rpc.connectionsMax': number
  'rpc.connectionsPerAddressMax': number
  'rpc.rateBurst': number
  'rpc.ratePerSecond': number
}

/** `certificateFolder` comes from the data folder. */
export const rpcOptionGroup: OptionGroup<RpcArgs, Omit<RpcOptions, 'certificateFolder'>> = {
  flags: {
    'rpc.listenAddress': {
      type: 'string',
      describe: 'IP address to listen on for clients, over HTTPS',
      default: defaults.httpsHost,
      form: IP_ADDRESS,
    },
    'rpc.port': {
      type: 'number',
      describe: 'TCP port to listen on for clients, over HTTPS',
      default: defaults.httpsPort,
      ...PORT_RANGE,
    },
    'rpc.connectionsMax': {
      type: 'number',
      describe: 'Connections of clients at most',
      default: defaults.connectionsMax,
      min: 1,
    },
    'rpc.connectionsPerAddressMax': {
      type: 'number',
      describe: 'Connections of clients from one address at most',
      default: defaults.connectionsPerAddressMax,
      min: 1,
    },
    'rpc.rateBurst': {
      type: 'number',
      describe: 'Requests that one address may make at once',
      default: defaults.rateBurst,
      min: 1,
    },
    'rpc.ratePerSecond': {
      type: 'number',
      describe: 'Requests per second that one address may make in the long run',
      default: defaults.ratePerSecond,
      min: 1,
    },
  },
  parse: (args) => ({
    ...defaults,
    httpsHost: args['rpc.listenAddress'],
    httpsPort: args['rpc.port'],
    connectionsMax: args['rpc.connectionsMax'],
    connectionsPerAddressMax: args['rpc.connectionsPerAddressMax'],
    rateBurst: args['rpc.rateBurst'],
    ratePerSecond: args['rpc.ratePerSecond'],
  }),
}
