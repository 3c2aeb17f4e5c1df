// No target that a client can name leads an exit to a place that is not public: a sink at every address of this machine
// counts connections, and each refusal is one of the address, so that nothing else hides behind a failed connection.
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseServerRule } from '../../../../src/onion-relay/outside/allow-list.ts'
import type { ServerProtocol } from '../../../../src/onion-relay/outside/target-rule.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { createExit, hasIPv6, type Sink, startSink, TARGET } from './servers.ts'

const LAYER = new Uint8Array(64)
const NEVER = new AbortController().signal

let sink: Sink
let dns: DnsServer
let connectionsBefore: number

/** What names lead to: an answer, or one for each time that the name is asked. */
const NAMES: Readonly<Record<string, readonly string[] | readonly (readonly string[])[]>> = {
  'loopback.example': ['127.0.0.1'],
  'loopback-far.example': ['127.255.255.254'],
  'loopback6.example': ['::1'],
  'private-10.example': ['10.0.0.1'],
  'private-172.example': ['172.16.0.1'],
  'private-192.example': ['192.168.1.1'],
  'shared.example': ['100.64.0.1'],
  'link-local.example': ['169.254.1.1'],
  'metadata.example': ['169.254.169.254'],
  'metadata-ecs.example': ['169.254.170.2'],
  'metadata6.example': ['fd00:ec2::254'],
  'unique-local.example': ['fd12:3456::1'],
  'link-local6.example': ['fe80::1'],
  'site-local6.example': ['fec0::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'mapped-metadata.example': ['::ffff:169.254.169.254'],
  'compatible.example': ['::127.0.0.1'],
  'nat64.example': ['64:ff9b::7f00:1'],
  'nat64-metadata.example': ['64:ff9b::a9fe:a9fe'],
  'nat64-local.example': ['64:ff9b:1::7f00:1'],
  'six-to-four.example': ['2002:7f00:1::1'],
  'teredo.example': ['2001:0:7f00:1::1'],
  'documentation.example': ['2001:db8::1', '192.0.2.1'],
  'this-network.example': ['0.0.0.0'],
  'this-network-more.example': ['0.1.2.3'],
  'unspecified6.example': ['::'],
  'multicast.example': ['224.0.0.1', 'ff02::1'],
  'broadcast.example': ['255.255.255.255'],
  'reserved.example': ['240.0.0.1'],
  'benchmark.example': ['198.18.0.1'],
  // One good address among bad ones helps nobody.
  'public-and-loopback.example': ['8.8.8.8', '127.0.0.1'],
  'public-and-loopback6.example': ['8.8.8.8', '::1'],
  // Names that change their answer.
  'first-loopback.example': [['127.0.0.1'], ['8.8.8.8']],
  'first-metadata.example': [['169.254.169.254'], ['8.8.8.8']],
}

beforeAll(async () => {
  sink = await startSink()
  dns = await startDnsServer(({ name }, nth) => {
    const known = NAMES[name] ?? ['127.0.0.1']
    const [first] = known
    if (typeof first === 'string' || first === undefined) return known as readonly string[]
    return (known as readonly (readonly string[])[])[Math.min(nth, known.length - 1)] ?? []
  })
})
afterAll(async () => {
  await sink[Symbol.asyncDispose]()
  await dns[Symbol.asyncDispose]()
})
beforeEach(() => {
  connectionsBefore = sink.connections.length
})

/** As an operator has it who allows every public name at every port, and this very host besides. */
async function ask(host: string, protocol: ServerProtocol = 'http', { allowPrivateAddresses = false } = {}) {
  const rule = `${host}:*`
  const servers = ['*:*', ...(parseServerRule(rule) === undefined ? [] : [rule])]
  const exit = createExit({ servers, allowPrivateAddresses, dnsServers: [dns.address] })
  const address = { protocol, host, port: sink.port, target: TARGET }
  const { kind } = await exit.ask(address, LAYER, { timeoutMs: 10_000, signal: NEVER })
  return kind
}

describe('the sink counts what comes', () => {
  test.each([
    ['127.0.0.1', 'http'],
    ['127.9.8.7', 'http'],
    ['127.0.0.1', 'https'],
    ['loopback.example', 'http'],
  ] as const)('%s over %s reaches it on a network on one machine', async (host, protocol) => {
    expect(await ask(host, protocol, { allowPrivateAddresses: true })).toBe('unreachable')
    expect(sink.connections.length).toBe(connectionsBefore + 1)
  })

  test.skipIf(!hasIPv6).each(['[::1]', 'loopback6.example', 'mapped.example'])(
    '%s reaches it over IPv6',
    async (host) => {
      expect(await ask(host, 'http', { allowPrivateAddresses: true })).toBe('unreachable')
      expect(sink.connections.length).toBe(connectionsBefore + 1)
    },
  )
})

/** Hosts that are addresses, even when the operator has listed them: the address decides. */
const LITERALS = [
  '127.0.0.1',
  '127.0.0.2',
  '127.255.255.254',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '169.254.169.254',
  '169.254.170.2',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '0.0.0.0',
  '0.0.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::127.0.0.1]',
  '[::ffff:127.0.0.1]',
  '[::FFFF:7f00:1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2002:a9fe:a9fe::1]',
  '[2001::7f00:1]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[100::1]',
  '[5f00::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
]

test.each(LITERALS)('the address %s is refused, and nothing is sent', async (host) => {
  expect(await ask(host)).toBe('address_refused')
  expect(await ask(host, 'https')).toBe('address_refused')
  expect(sink.connections.length).toBe(connectionsBefore)
})

/** What some URL parsers and resolvers take for an address, or for another host than a person reads. */
const ODD_HOSTS = [
  '2130706433',
  '017700000001',
  '0x7f000001',
  '0X7F.0.0.1',
  '0x7f.1',
  '127.1',
  '127.0.1',
  '0177.0.0.1',
  '127.0.0.01',
  '0127.0.0.1',
  '127.0.0.1.',
  '1.0x',
  '4294967296',
  '::1',
  '::ffff:127.0.0.1',
  '[::1',
  '::1]',
  '[::1%lo]',
  '[fe80::1%25eth0]',
  '[127.0.0.1]',
  '[::1]:80',
  '127.0.0.1:80',
  'loopback.example:80',
  'loopback.example.',
  'user@127.0.0.1',
  'user:password@loopback.example',
  'public.example@127.0.0.1',
  '127.0.0.1#.public.example',
  '127.0.0.1/public.example',
  '127.0.0.1\\public.example',
  '127.0.0.1?.public.example',
  '127.0.0.1 public.example',
  'loopback.example\u0000.public.example',
  'loopback.example\r\nHost: public.example',
  'loopback.example\t',
  ' loopback.example',
  '%6c%6f%63%61lhost',
  '127%2e0%2e0%2e1',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  'lоopback.example',
  'LOOPBACK．EXAMPLE',
  'file:///etc/passwd',
  '/var/run/docker.sock',
  'unix:/var/run/docker.sock',
  '-loopback.example',
  'loopback-.example',
  'loop_back.example',
  'loopback..example',
  '.loopback.example',
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(127)}example`,
  '*',
  '*.example',
  '',
]

test.each(ODD_HOSTS)('%j is no host, and nothing is sent or looked up', async (host) => {
  const questions = dns.questions.length
  expect(await ask(host)).toBe('url_invalid')
  expect(await ask(host, 'https')).toBe('url_invalid')
  expect([sink.connections.length, dns.questions.length]).toEqual([connectionsBefore, questions])
})

test.each(Object.keys(NAMES))('%s is refused for where it leads, and nothing is sent', async (host) => {
  expect(await ask(host)).toBe('address_refused')
  expect(sink.connections.length).toBe(connectionsBefore)
})

test.each(['localhost', 'metadata', 'redis', 'LOCALHOST'])(
  '%s, a name of this machine or its network, is on no list of public names',
  async (host) => {
    const exit = createExit({ servers: ['*:*'], dnsServers: [dns.address] })
    const address = { protocol: 'http', host, port: sink.port, target: TARGET }
    expect(await exit.ask(address, LAYER, { timeoutMs: 10_000, signal: NEVER })).toEqual({ kind: 'not_allowed' })
    expect(sink.connections.length).toBe(connectionsBefore)
  },
)

test('no text that a client can write as host leads to the sink, when all names lead there', async () => {
  const exit = createExit({ servers: ['*:*'], allowPrivateAddresses: false, dnsServers: [dns.address] })
  const host = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'0127.:[]%@#/\\x\0\r\n a') }),
    fc.ipV4Extended(),
    fc.ipV6().map((ip) => `[${ip}]`),
    fc.domain(),
    fc.webAuthority({ withUserInfo: true, withPort: true, withIPv4Extended: true, withIPv6: true }),
  )
  await fc.assert(
    fc.asyncProperty(host, fc.constantFrom('http', 'https'), async (host, protocol) => {
      const address = { protocol, host, port: sink.port, target: TARGET }
      const { kind } = await exit.ask(address, LAYER, { timeoutMs: 10_000, signal: NEVER })
      expect(kind).toMatch(/^(url_invalid|not_allowed|address_refused)$/)
    }),
    { numRuns: 1000 },
  )
  expect(sink.connections.length).toBe(connectionsBefore)
})

test("this machine's own addresses are refused, those of its interfaces and the one that others know", async () => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
  const exit = createExit(
    {
      servers: ['8.8.8.8:*', ...own.map((ip) => (ip.includes(':') ? `[${ip}]:*` : `${ip}:*`))],
      allowPrivateAddresses: false,
    },
    ['8.8.8.8'],
  )
  for (const ip of ['8.8.8.8', ...own]) {
    const host = ip.includes(':') ? `[${ip}]` : ip
    const address = { protocol: 'http', host, port: sink.port, target: TARGET }
    expect(await exit.ask(address, LAYER, { timeoutMs: 10_000, signal: NEVER })).toEqual({ kind: 'address_refused' })
  }
  expect(sink.connections.length).toBe(connectionsBefore)
})

test('a name that changes its answer after the check leads to where the check was', async () => {
  const good = await startSink()
  await using flipping = await startDnsServer((_question, nth) => [nth === 0 ? '127.0.0.7' : '127.0.0.1'])
  const exit = createExit({ dnsServers: [flipping.address] })
  for (const protocol of ['http', 'https']) {
    const before = flipping.questions.length
    const address = { protocol, host: `${protocol}.flip.example`, port: good.port, target: TARGET }
    await exit.ask(address, LAYER, { timeoutMs: 10_000, signal: NEVER })
    expect(
      flipping.questions
        .slice(before)
        .map(({ type }) => type)
        .sort(),
    ).toEqual(['A', 'AAAA'])
  }
  expect(good.connections).toEqual(['127.0.0.7', '127.0.0.7'])
  await good[Symbol.asyncDispose]()
})
