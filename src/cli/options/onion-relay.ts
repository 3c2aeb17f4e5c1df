import { Resolver } from 'node:dns'
import { defaultOnionRelayOptions, type OnionRelayOptions } from '../../onion-relay/options.ts'
import { parseServerRule } from '../../onion-relay/outside/allow-list.ts'
import type { ListForm } from './check.ts'
import type { OptionGroup } from './option-group.ts'

const defaults = defaultOnionRelayOptions.outside

export type OnionRelayArgs = {
  'onionRelay.askOutsideServers': boolean
  'onionRelay.outsideServers': string[]
  'onionRelay.outsidePrivateAddresses': boolean
  'onionRelay.outsideDnsServers': string[]
}

const OUTSIDE_SERVERS: ListForm = {
  accepts: (text) => parseServerRule(text) !== undefined,
  wanted: 'servers such as https://open.example, *.example or 192.0.2.7:8000',
  hintFor: (text) => (/^https?:\/\/[^/]+\/./.test(text) ? 'Leave out what follows the host' : undefined),
}

const DNS_SERVERS: ListForm = {
  accepts: isDnsServer,
  wanted: 'IP addresses, with ports if need be',
  hintFor: () => 'Such as 9.9.9.9, 127.0.0.1:5353 or [2620:fe::fe]:53',
}

function isDnsServer(text: string): boolean {
  try {
    new Resolver().setServers([text])
    return true
  } catch {
    return false
  }
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
      items: OUTSIDE_SERVERS,
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
      items: DNS_SERVERS,
    },
  },
  parse: (args) => ({
    ...defaultOnionRelayOptions,
    outside: {
      ...defaults,
      enabled: args['onionRelay.askOutsideServers'],
      servers: args['onionRelay.outsideServers'],
      allowPrivateAddresses: args['onionRelay.outsidePrivateAddresses'],
      dnsServers: args['onionRelay.outsideDnsServers'],
    },
  }),
}
