import { Resolver } from 'node:dns'
import { defaultOnionRelayOptions, type OnionRelayOptions } from '../../onion-relay/options.ts'
import { parseServerRule } from '../../onion-relay/outside/allow-list.ts'
import { OptionsError } from './check.ts'
import type { OptionGroup } from './option-group.ts'

const defaults = defaultOnionRelayOptions.outside

export type OnionRelayArgs = {
  'onionRelay.askOutsideServers': boolean
  'onionRelay.outsideServers': string[]
  'onionRelay.outsidePrivateAddresses': boolean
  'onionRelay.outsideDnsServers': string[]
}

export const onionRelayOptionGroup: OptionGroup<OnionRelayArgs, OnionRelayOptions> = {
  flags: {
    'onionRelay.askOutsideServers': {
      type: 'boolean',
      describe:
        'Post what clients seal for outside servers (files, communities, push) to those listed; from the network preset',
      default: defaults.enabled,
    },
    'onionRelay.outsideServers': {
      type: 'array',
      describe:
        'Outside servers that clients may ask: [http[s]://]host[:port], *.domain, or * for every public name; from the network preset',
      default: [...defaults.servers],
    },
    'onionRelay.outsidePrivateAddresses': {
      type: 'boolean',
      describe: 'Let outside servers have loopback or private addresses: for a network on one machine',
      default: defaults.allowPrivateAddresses,
    },
    'onionRelay.outsideDnsServers': {
      type: 'array',
      describe: "IP addresses of DNS servers to ask for outside servers; the system's when there are none",
      default: [...defaults.dnsServers],
    },
  },
  parse(args) {
    const servers = args['onionRelay.outsideServers']
    const dnsServers = args['onionRelay.outsideDnsServers']
    for (const entry of servers) requireServer(entry)
    requireDnsServers(dnsServers)
    return {
      ...defaultOnionRelayOptions,
      outside: {
        ...defaults,
        enabled: args['onionRelay.askOutsideServers'],
        servers,
        allowPrivateAddresses: args['onionRelay.outsidePrivateAddresses'],
        dnsServers,
      },
    }
  },
}

function requireServer(entry: string): void {
  if (parseServerRule(entry) !== undefined) return
  const wanted = 'servers such as https://open.example, *.example or 192.0.2.7:8000'
  throw new OptionsError('OPTION_INVALID', `onionRelay.outsideServers must be ${wanted}, not ${JSON.stringify(entry)}`)
}

function requireDnsServers(servers: readonly string[]): void {
  try {
    if (servers.length > 0) new Resolver().setServers(servers)
  } catch (cause) {
    throw new OptionsError('OPTION_INVALID', 'onionRelay.outsideDnsServers must be IP addresses', { cause })
  }
}
