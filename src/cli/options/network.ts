import { defaultNetworkOptions as defaults, type NetworkOptions } from '../../network/options.ts'
import { IP_ADDRESS, PORT_RANGE } from './check.ts'
import type { OptionGroup } from './option-group.ts'

export type NetworkArgs = {
  'network.listenAddress': string
  'network.port': number
  'network.announcePort': number
  'network.bootstrap': string[]
  'network.allowPrivateAddresses': boolean
  'network.connectionsMax': number
}

/** `dataFolder` comes from the data folder. */
export const networkOptionGroup: OptionGroup<NetworkArgs, Omit<NetworkOptions, 'dataFolder'>> = {
  flags: {
    'network.listenAddress': {
      type: 'string',
      describe: 'IP address to listen on for other service nodes',
      default: defaults.listenAddress,
      form: IP_ADDRESS,
    },
    'network.port': {
      type: 'number',
      describe: 'TCP port to listen on for other service nodes',
      default: defaults.listenPort,
      ...PORT_RANGE,
    },
    'network.announcePort': {
      type: 'number',
      describe: 'TCP port that other service nodes are told; 0 for the one listened on',
      default: defaults.announcePort,
      ...PORT_RANGE,
    },
    'network.bootstrap': {
      type: 'array',
      describe: 'Multiaddrs of service nodes to meet first',
      default: [...defaults.bootstrapMultiaddrs],
      reloads: true,
    },
    'network.allowPrivateAddresses': {
      type: 'boolean',
      describe: 'Take nodes with loopback or private addresses: for a network on one machine',
      default: defaults.allowPrivateAddresses,
    },
    'network.connectionsMax': {
      type: 'number',
      describe: 'Open connections to other service nodes at most',
      default: defaults.connectionsMax,
      min: 8,
    },
  },
  parse: (args) => ({
    ...defaults,
    listenAddress: args['network.listenAddress'],
    listenPort: args['network.port'],
    announcePort: args['network.announcePort'],
    bootstrapMultiaddrs: args['network.bootstrap'],
    allowPrivateAddresses: args['network.allowPrivateAddresses'],
    connectionsMax: args['network.connectionsMax'],
  }),
}
