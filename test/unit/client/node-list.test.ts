import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../../src/base/bytes.ts'
import { ClientError } from '../../../src/client/errors.ts'
import { createHttpsTransport } from '../../../src/client/https-transport.ts'
import type { ReachableNode } from '../../../src/client/reachable-node.ts'
import { defaultSeedOptions, fetchFromSeeds, parseSeedReply, type Seed } from '../../../src/client/seeds.ts'
import { ed25519KeyPairFromSeed, toX25519PublicKey } from '../../../src/crypto/keys.ts'
import { serviceNodeKey } from '../../../src/protocol/service-node.ts'
import { seedReply, startTestNetwork, type TestNetwork } from './test-network.ts'

const keys = [1, 2, 3].map((n) => ed25519KeyPairFromSeed(new Uint8Array(32).fill(n)).publicKey)
const nodes: readonly ReachableNode[] = keys.map((publicKey, index) => ({
  key: serviceNodeKey(publicKey),
  x25519: toX25519PublicKey(publicKey),
  ip: `10.0.${index}.1`,
  httpsPort: 22021,
}))

const entry = {
  public_ip: '10.0.0.1',
  storage_port: 22021,
  pubkey_ed25519: nodes[0]?.key ?? '',
  pubkey_x25519: toHex(nodes[0]?.x25519 ?? new Uint8Array()),
  requested_unlock_height: 0,
}

const listOf = (...states: readonly unknown[]) =>
  utf8(JSON.stringify({ jsonrpc: '2.0', result: { height: 1, service_node_states: states } }))

const invalid = expect.objectContaining({ code: 'NODE_LIST_INVALID' })

describe('a list of service nodes', () => {
  test('is read as it is given', () => {
    expect(parseSeedReply(utf8(seedReply(nodes)))).toEqual(nodes)
  })

  test('is read without the nodes that have not said where they are', () => {
    const unknown = [{ public_ip: '' }, { public_ip: '0.0.0.0' }, { storage_port: 0 }, { pubkey_ed25519: '' }]
    const list = listOf(...unknown.map((change) => ({ ...entry, ...change })), entry)
    expect(parseSeedReply(list)).toEqual([nodes[0]])
  })

  test.each(['10.0.0', '10.0.0.1/x', 'localhost', '10.0.0.256', '010.0.0.1', '::1', '10.0.0.1@10.0.0.2'])(
    'is read without a node that says its address is %s',
    (public_ip) => {
      expect(parseSeedReply(listOf({ ...entry, public_ip }, entry))).toEqual([nodes[0]])
    },
  )

  test('names each node once', () => {
    expect(parseSeedReply(listOf(entry, { ...entry, public_ip: '10.0.7.1' }))).toEqual([nodes[0]])
  })

  test.each([
    ['an address that is a number', { public_ip: 1 }],
    ['a port that is text', { storage_port: '22021' }],
    ['a port out of range', { storage_port: 65_536 }],
    ['a port below zero', { storage_port: -1 }],
    ['a port that is no integer', { storage_port: 1.5 }],
    ['no port', { storage_port: undefined }],
    ['a key that is too short', { pubkey_ed25519: 'ab' }],
    ['a key that is no hex', { pubkey_ed25519: 'x'.repeat(64) }],
    ['a key that is no point', { pubkey_ed25519: `02${'00'.repeat(31)}` }],
    ['another node’s X25519 key', { pubkey_x25519: toHex(nodes[1]?.x25519 ?? new Uint8Array()) }],
    ['no X25519 key', { pubkey_x25519: undefined }],
  ])('with %s is refused whole', (_, change) => {
    expect(() => parseSeedReply(listOf(entry, { ...entry, ...change }))).toThrow(invalid)
  })

  test.each([
    ['nothing', ''],
    ['text', 'Not Found'],
    ['a list', '[]'],
    ['an error', '{"error":{"code":-32601}}'],
    ['no states', '{"result":{}}'],
    ['states that are no list', '{"result":{"service_node_states":{}}}'],
    ['no node at all', '{"result":{"service_node_states":[]}}'],
    ['entries that are no objects', '{"result":{"service_node_states":[null]}}'],
  ])('is not read from %s', (_, body) => {
    expect(() => parseSeedReply(utf8(body))).toThrow(invalid)
  })

  test('of any bytes or any JSON is a list or an error that says so', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(utf8),
      fc
        .array(fc.record({ ...mapValues(entry), public_ip: fc.ipV4() }, { requiredKeys: [] }))
        .map((list) => listOf(...list)),
    )
    fc.assert(
      fc.property(anything, (body) => {
        try {
          parseSeedReply(body)
        } catch (error) {
          expect(error).toBeInstanceOf(ClientError)
          expect(error).toEqual(invalid)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

/** Each field as it is, or any JSON value instead. */
function mapValues(fields: object): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, fc.oneof(fc.constant<unknown>(value), fc.jsonValue())]),
  )
}

describe('seeds', () => {
  let network: TestNetwork
  const transport = createHttpsTransport()
  const never = new AbortController().signal
  const once = { ...defaultSeedOptions, attemptsMax: 1 }
  const dead: Seed = { url: 'https://127.0.1.1:1', certificate: 'any' }

  beforeEach(async () => {
    network = await startTestNetwork(3)
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const seed = (): Seed => ({ url: network.seedUrl, certificate: 'any' })

  test('are asked as Session’s clients ask them', async () => {
    const bodies: unknown[] = []
    network.seed = (body) => {
      bodies.push(JSON.parse(Buffer.from(body).toString()))
      return { status: 200, body: seedReply(network.nodes) }
    }
    const list = await fetchFromSeeds(transport, [seed()], once, never)
    expect(list.map((node) => node.key)).toEqual(network.nodes.map((node) => node.key))
    expect(bodies).toEqual([
      {
        jsonrpc: '2.0',
        method: 'get_n_service_nodes',
        params: {
          active_only: true,
          fields: {
            public_ip: true,
            storage_port: true,
            pubkey_x25519: true,
            pubkey_ed25519: true,
            requested_unlock_height: true,
            height: true,
            swarm: true,
          },
        },
      },
    ])
  })

  test('that fail do not matter as long as one answers', async () => {
    await expect(fetchFromSeeds(transport, [dead, seed()], once, never)).resolves.toHaveLength(3)
  })

  test('must have a certificate that this machine trusts, unless told otherwise', async () => {
    await expect(fetchFromSeeds(transport, [{ url: network.seedUrl }], once, never)).rejects.toThrow(
      expect.objectContaining({
        code: 'SEEDS_UNAVAILABLE',
        details: expect.objectContaining({ reason: 'CERTIFICATE_UNTRUSTED' }),
      }),
    )
  })

  test('are asked again when all failed', async () => {
    let asked = 0
    network.seed = () => (++asked < 3 ? { status: 503, body: '' } : { status: 200, body: seedReply(network.nodes) })
    const list = await fetchFromSeeds(transport, [seed()], { ...defaultSeedOptions, backoffMs: 1 }, never)
    expect(list).toHaveLength(3)
  })

  test('that send without end are cut off', async () => {
    network.seed = () => ({ status: 200, body: new Uint8Array(5 * 1024 * 1024) })
    await expect(fetchFromSeeds(transport, [seed()], once, never)).rejects.toThrow(
      expect.objectContaining({ details: expect.objectContaining({ reason: 'TOO_LARGE' }) }),
    )
  })

  test('are given up when the caller gives up', async () => {
    const controller = new AbortController()
    network.seed = () => {
      controller.abort(new Error('changed my mind'))
      return { status: 503, body: '' }
    }
    await expect(fetchFromSeeds(transport, [seed()], defaultSeedOptions, controller.signal)).rejects.toThrow(
      'changed my mind',
    )
  })
})
