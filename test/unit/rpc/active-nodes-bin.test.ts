import { expect, test } from 'vitest'
import { toHex, utf8 } from '../../../src/base/bytes.ts'
import { ACTIVE_NODE_SIZE, encodeActiveNodes } from '../../../src/protocol/client-api/active-nodes-bin.ts'
import { parseServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { startTestServer } from './https-fixture.ts'
import { createTestNetwork, NO_SWARMS, type TestNetwork } from './rpc-fixture.ts'

/** What the test network's nodes say of themselves, byte by byte. */
function records(network: TestNetwork, hidden: readonly number[] = []): string {
  return network.nodes
    .map(({ key }, at) => `${key}${'8000000000000000'}0a00${toHex(Uint8Array.of(at))}01${'5605'}${'5604'}010203`)
    .filter((_, at) => !hidden.includes(at))
    .join('')
}

test('over HTTPS the nodes come as bytes', async () => {
  await using network = await createTestNetwork(3)
  await using server = await startTestServer({}, { rpc: network.first })
  const reply = await server.post('/storage_rpc/v1', '{"method":"active_nodes_bin","params":{}}')
  expect(reply.status).toBe(200)
  expect(reply.headers['content-type']).toBe('application/octet-stream')
  const bytes = Buffer.from(reply.body, 'latin1')
  expect(bytes).toHaveLength(3 * ACTIVE_NODE_SIZE)
  expect(toHex(bytes)).toBe(records(network))
})

test('through an onion and in a batch they come as base64', async () => {
  await using network = await createTestNetwork(2)
  const expected = Buffer.from(records(network), 'hex').toString('base64')
  const request = { method: 'active_nodes_bin', params: { anything: 1 } }
  expect(await network.first.handleOnionRpc(utf8(JSON.stringify(request)))).toMatchObject({
    status: 200,
    body: expected,
  })
  const { json } = await network.first.call('batch', { requests: [request] })
  expect(json['results']).toEqual([{ code: 200, body: expected }])
})

test('a node whose address nobody knows is left out, once the list is made anew', async () => {
  await using network = await createTestNetwork(3)
  const hex = async () => {
    const { body } = await network.first.call('active_nodes_bin', {})
    return Buffer.from(String(body), 'base64').toString('hex')
  }
  expect(await hex()).toBe(records(network))
  network.unlisted.add(network.nodes[1]?.key ?? network.first.key)
  expect(await hex()).toBe(records(network))
  network.first.store.clock.pass(5000)
  expect(await hex()).toBe(records(network, [1]))
})

test('a node whose key is no curve point is left out', async () => {
  const key = parseServiceNodeKey(`02${'00'.repeat(31)}`)
  if (key === undefined) throw new Error('Not a key')
  await using network = await createTestNetwork(1, { changeMember: { key } })
  expect(await network.first.call('active_nodes_bin', {})).toMatchObject({ status: 200, body: '' })
})

test('without a service node list there is no swarm', async () => {
  await using network = await createTestNetwork(1, { components: { swarm: NO_SWARMS } })
  expect(await network.first.call('active_nodes_bin', {})).toMatchObject({ status: 500, body: 'No swarms known!' })
})

test('a record holds the largest values, and only IPv4 addresses', () => {
  const key = parseServiceNodeKey('c7'.repeat(32))
  if (key === undefined) throw new Error('Not a key')
  const contact = { key, ip: '255.254.253.252', httpsPort: 65_535, peerPort: 1, version: [300, 0, 255] } as const
  const nodes = [
    { contact, swarm: 2n ** 64n - 2n },
    { contact: { ...contact, ip: '::1' }, swarm: 1n },
  ]
  expect(toHex(encodeActiveNodes(nodes))).toBe(`${'c7'.repeat(32)}fffffffffffffffefffefdfcffff0001ff00ff`)
})
