import { defaultMetricsServerOptions as defaults, type MetricsServerOptions } from '../../node/metrics-server.ts'
import { IP_ADDRESS, PORT_RANGE } from './check.ts'
import type { OptionGroup } from './option-group.ts'

export type MetricsArgs = {
  'metrics.address': string
  'metrics.port': number
}

export const metricsOptionGroup: OptionGroup<MetricsArgs, MetricsServerOptions> = {
  flags: {
    'metrics.address': {
      type: 'string',
      describe: 'Serve metrics, health and the status page at this address',
      default: defaults.address,
      form: IP_ADDRESS,
    },
    'metrics.port': {
      type: 'number',
      describe: 'Serve metrics, health and the status page at this TCP port',
      default: defaults.port,
      ...PORT_RANGE,
    },
  },
  parse: (args) => ({ address: args['metrics.address'], port: args['metrics.port'] }),
}
