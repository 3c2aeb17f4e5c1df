import { expect, test } from 'vitest'
import { embeddedIPv4, kindOfAddress } from '../../../src/base/ip-address.ts'

/** Both ends of each special range, and what lies next to it. */
const EDGES: readonly [kind: ReturnType<typeof kindOfAddress>, ...addresses: string[]][] = [
  ['nowhere', '0.0.0.0', '0.255.255.255', '224.0.0.0', '255.255.255.255', '::', 'ff00::', '::ffff:0.0.0.0'],
  ['public', '1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
  ['special', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255', '127.0.0.0', '127.255.255.255'],
  ['public', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '191.255.255.255', '192.0.1.0'],
  ['special', '169.254.0.0', '169.254.255.255', '172.16.0.0', '172.31.255.255', '192.0.0.0', '192.0.2.255'],
  ['special', '192.31.196.1', '192.52.193.1', '192.88.99.255', '192.168.0.0', '192.168.255.255', '192.175.48.1'],
  ['special', '198.18.0.0', '198.19.255.255', '198.51.100.0', '203.0.113.255'],
  ['public', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '203.0.112.255', '223.255.255.255'],
  ['special', '::1', '::ffff:8.8.8.8', '64:ff9b::808:808', '64:ff9b:1::1', '100::1', '2001::1', '2001:1ff:ffff::1'],
  ['special', '2001:db8::1', '2002::1', '2620:4f:8000::1', '3fff:fff::1', '4000::1', '5f00::1', 'fc00::1', 'fe80::1'],
  ['special', 'fd00:ec2::254', 'fec0::1', 'feff::1'],
  ['public', '2001:200::1', '2001:db9::1', '2003::1', '2606:4700::1111', '3ffe::1', '3fff:1000::1'],
  [undefined, '', 'localhost', '1.2.3', '0x7f.1', '01.2.3.4', '1.2.3.4.5', 'fe80::1%eth0', '[::1]'],
]

test.each(EDGES)('%s is the kind of %s and those beside it', (kind, ...addresses) => {
  expect(Object.fromEntries(addresses.map((ip) => [ip, kindOfAddress(ip)]))).toEqual(
    Object.fromEntries(addresses.map((ip) => [ip, kind])),
  )
})

test.each([
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::ffff:7f00:1', '127.0.0.1'],
  ['0:0:0:0:0:FFFF:A9FE:A9FE', '169.254.169.254'],
  ['64:ff9b::8.8.4.4', '8.8.4.4'],
  ['64:ff9b:0:0::a00:1', '10.0.0.1'],
  ['64:ff9b::', '0.0.0.0'],
  ['64:ff9b::1:0', '0.1.0.0'],
  ['64:ff9b:1::a00:1', undefined],
  ['2002:7f00:1::', undefined],
  ['2606:4700::1111', undefined],
  ['::1', undefined],
  ['127.0.0.1', undefined],
  ['::ffff:127.0.0.1%lo', undefined],
  ['no address', undefined],
])('%s has %s in it', (ip, embedded) => {
  expect(embeddedIPv4(ip)).toBe(embedded)
})
