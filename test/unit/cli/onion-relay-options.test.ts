import { expect, test } from 'vitest'
import { readNetworkPreset } from '../../../src/cli/config/flat-configuration.ts'
import { checkFlags } from '../../../src/cli/options/check.ts'
import { type OnionRelayArgs, onionRelayOptionGroup } from '../../../src/cli/options/onion-relay.ts'

const defaults = Object.fromEntries(
  Object.entries(onionRelayOptionGroup.flags).map(([name, flag]) => [name, flag.default]),
) as OnionRelayArgs
const outside = (args: object) => onionRelayOptionGroup.parse({ ...defaults, ...args }).outside

test('without a preset, no outside server is asked', () => {
  expect(outside({})).toMatchObject({ enabled: false, servers: [], allowPrivateAddresses: false })
})

test.each(['mainnet', 'testnet'])('the preset of %s names servers exactly, and none inside a network', (network) => {
  const { enabled, servers, allowPrivateAddresses } = outside(readNetworkPreset(network))
  expect({ enabled, allowPrivateAddresses }).toEqual({ enabled: true, allowPrivateAddresses: false })
  expect(servers).toContain('http://filev2.getsession.org')
  for (const server of servers) expect(server).toMatch(/^(https?:\/\/)?[a-z0-9-]+\.getsession\.org$/)
})

test('the preset of the devnet has this machine only', () => {
  expect(outside(readNetworkPreset('devnet'))).toMatchObject({
    enabled: true,
    servers: ['127.0.0.1:*', '[::1]:*'],
    allowPrivateAddresses: true,
  })
})

test.each([
  ['onionRelay.outsideServers', ['open.example', 'https://open.example/path']],
  ['onionRelay.outsideServers', ['0x7f.1']],
  ['onionRelay.outsideDnsServers', ['resolver.example']],
  ['onionRelay.outsideDnsServers', ['9.9.9.9:port']],
] as const)('%s %j is refused by name', (name, value) => {
  const { [name]: flag } = onionRelayOptionGroup.flags
  expect(() => checkFlags({ [name]: flag }, { [name]: value })).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(`^${name} must be `) }),
  )
})

test('DNS servers may have ports', () => {
  const dnsServers = ['9.9.9.9', '127.0.0.1:5353', '[2620:fe::fe]:53']
  expect(outside({ 'onionRelay.outsideDnsServers': dnsServers })).toMatchObject({ dnsServers })
})
