import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { addressOf, isAddressAllowed } from '../../../src/network/address-rules.ts'

const PUBLIC = ['1.1.1.1', '8.8.8.8', '100.63.255.255', '172.32.0.1', '192.0.3.1', '223.255.255.255', '2606:4700::1111']
const PRIVATE = [
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '::1',
  '::ffff:10.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::a00:1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:a00:1::',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd12::1',
  'fe80::1',
]
const NOWHERE = ['0.0.0.0', '0.1.2.3', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '::', 'ff02::1']
const NO_ADDRESS = ['', 'localhost', '1.2.3', '0x7f.1', '127.1', '1.2.3.4.5', 'fe80::1%eth0', '[::1]']

test.each(PUBLIC)('the public address %s is allowed everywhere', (ip) => {
  expect(isAddressAllowed(ip, { allowPrivate: false })).toBe(true)
  expect(isAddressAllowed(ip, { allowPrivate: true })).toBe(true)
})

test.each(PRIVATE)('the special address %s is allowed only where private ones are', (ip) => {
  expect(isAddressAllowed(ip, { allowPrivate: false })).toBe(false)
  expect(isAddressAllowed(ip, { allowPrivate: true })).toBe(true)
})

test.each([...NOWHERE, ...NO_ADDRESS])('%j is never allowed', (ip) => {
  expect(isAddressAllowed(ip, { allowPrivate: false })).toBe(false)
  expect(isAddressAllowed(ip, { allowPrivate: true })).toBe(false)
})

test('only a plain TCP multiaddr has an address', () => {
  const peer = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
  expect(addressOf(multiaddr('/ip4/1.2.3.4/tcp/5'))).toBe('1.2.3.4')
  expect(addressOf(multiaddr(`/ip6/2606:4700::1/tcp/5/p2p/${peer}`))).toBe('2606:4700::1')
  for (const text of ['/dns4/example.org/tcp/5', '/ip4/1.2.3.4/udp/5', '/ip4/1.2.3.4/tcp/5/ws', '/unix/tmp%2fa']) {
    expect(addressOf(multiaddr(text)), text).toBeUndefined()
  }
  expect(addressOf(multiaddr(`/ip4/1.2.3.4/tcp/5/p2p/${peer}/p2p-circuit/p2p/${peer}`))).toBeUndefined()
})
