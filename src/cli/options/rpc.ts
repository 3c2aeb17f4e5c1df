import { type CertificateFiles, defaultRpcOptions as defaults, type RpcOptions } from '../../rpc/options.ts'
import { IP_ADDRESS, OptionsError, PORT_RANGE, type TextForm } from './check.ts'
import type { OptionGroup } from './option-group.ts'

export type RpcArgs = {
  'rpc.listenAddress': string
  'rpc.port': number
  'rpc.certificateFile': string
  'rpc.certificateKeyFile': string
  'rpc.connectionsMax': number
  'rpc.connectionsPerAddressMax': number
  'rpc.monitorConnectionsMax': number
  'rpc.monitorConnectionsPerAddressMax': number
  'rpc.monitorSubscriptionsMax': number
  'rpc.monitorWaitsMax': number
  'rpc.rateBurst': number
  'rpc.ratePerSecond': number
}

/** Empty stands for none. */
const FILE_OR_NONE: TextForm = { accepts: () => true, wanted: 'a file' }

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
    'rpc.certificateFile': {
      type: 'string',
      describe:
        'PEM file of a certificate for the public IP address that browsers trust, with those that lead to its authority; looked at every minute',
      default: '',
      defaultDescription: 'one that the node signs itself',
      form: FILE_OR_NONE,
    },
    'rpc.certificateKeyFile': {
      type: 'string',
      describe: "PEM file of that certificate's private key",
      default: '',
      defaultDescription: 'one that the node makes',
      form: FILE_OR_NONE,
    },
    'rpc.connectionsMax': {
      type: 'number',
      describe: 'Connections of clients at most',
      default: defaults.connectionsMax,
      min: 1,
      reloads: true,
    },
    'rpc.connectionsPerAddressMax': {
      type: 'number',
      describe: 'Connections of clients from one address at most',
      default: defaults.connectionsPerAddressMax,
      min: 1,
      reloads: true,
    },
    'rpc.monitorConnectionsMax': {
      type: 'number',
      describe:
        'Of these, connections of clients that are told of new messages at most; 0 tells nobody over connections',
      default: defaults.monitor.connectionsMax,
      min: 0,
      reloads: true,
    },
    'rpc.monitorConnectionsPerAddressMax': {
      type: 'number',
      describe: 'Of these, connections from one address at most',
      default: defaults.monitor.connectionsPerAddressMax,
      min: 1,
      reloads: true,
    },
    'rpc.monitorSubscriptionsMax': {
      type: 'number',
      describe: 'Accounts that all these connections may watch together at most; each takes about 700 bytes',
      default: defaults.monitor.subscriptionsMax,
      min: 0,
    },
    'rpc.monitorWaitsMax': {
      type: 'number',
      describe:
        'Requests that may wait for a new message at most; each takes a place on the relays of its path meanwhile',
      default: defaults.monitor.waitsMax,
      min: 0,
    },
    'rpc.rateBurst': {
      type: 'number',
      describe: 'Requests that one address may make at once',
      default: defaults.rateBurst,
      min: 1,
      reloads: true,
    },
    'rpc.ratePerSecond': {
      type: 'number',
      describe: 'Requests per second that one address may make in the long run',
      default: defaults.ratePerSecond,
      min: 1,
      reloads: true,
    },
  },
  parse: (args) => ({
    ...defaults,
    httpsHost: args['rpc.listenAddress'],
    httpsPort: args['rpc.port'],
    certificateFiles: certificateFiles(args),
    connectionsMax: args['rpc.connectionsMax'],
    connectionsPerAddressMax: args['rpc.connectionsPerAddressMax'],
    monitor: {
      ...defaults.monitor,
      connectionsMax: args['rpc.monitorConnectionsMax'],
      connectionsPerAddressMax: args['rpc.monitorConnectionsPerAddressMax'],
      subscriptionsMax: args['rpc.monitorSubscriptionsMax'],
      waitsMax: args['rpc.monitorWaitsMax'],
    },
    rateBurst: args['rpc.rateBurst'],
    ratePerSecond: args['rpc.ratePerSecond'],
  }),
}

function certificateFiles({
  'rpc.certificateFile': certificateFile,
  'rpc.certificateKeyFile': keyFile,
}: RpcArgs): CertificateFiles | undefined {
  if (certificateFile === '' && keyFile === '') return undefined
  if (certificateFile !== '' && keyFile !== '') return { certificateFile, keyFile }
  throw new OptionsError('OPTION_INVALID', 'rpc.certificateFile and rpc.certificateKeyFile must be given together', {
    details: { hint: 'Give both, or neither' },
  })
}
