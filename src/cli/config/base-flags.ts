import { NETWORK_PRESETS } from './layers.ts'

/** Where the rest of the options comes from. */
export const baseFlags = {
  config: {
    type: 'string',
    describe: 'Configuration file in YAML or JSON (/etc/starling/starling.yml if there is one)',
  },
  network: {
    type: 'string',
    describe: `Network preset: ${NETWORK_PRESETS.join(', ')}, or a file of one's own`,
    default: 'mainnet',
  },
} as const
