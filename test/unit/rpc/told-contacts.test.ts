// Where clients are told to find service nodes, when this node does not reach all of them.
import { expect, test } from 'vitest'
import type { ServiceNodeContact, ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { createTestNetwork } from './rpc-fixture.ts'

const contactOf = (key: ServiceNodeKey): ServiceNodeContact => ({
  ...{ key, ip: '192.0.2.7', httpsPort: 22_021, peerPort: 22_020, version: [1, 2, 3], timestampMs: 1 },
})

/** Six nodes in one swarm. */
async function aNetwork() {
  const unreached = new Set<ServiceNodeKey>()
  const contacts = { contact: contactOf, isReachable: (key: ServiceNodeKey) => !unreached.has(key) }
  const network = await createTestNetwork(6, { components: { contacts } })
  const { first, nodes } = network
  const pubkey = `05${'a1'.repeat(32)}`
  return {
    unreached,
    keys: nodes.map(({ key }) => key),
    /** How many nodes clients could use, by each way of asking. */
    async told() {
      // Lists are kept for a few seconds.
      first.store.clock.pass(60_000)
      const swarm = await first.call('get_swarm', { pubkey })
      const answer = await first.call('oxend_request', { endpoint: 'get_service_nodes', params: {} })
      const { result } = answer.json as { result: { service_node_states: { public_ip: string }[] } }
      return {
        swarm: (swarm.json['snodes'] as unknown[]).length,
        listed: result.service_node_states.length,
        addresses: result.service_node_states.filter(({ public_ip }) => public_ip !== '0.0.0.0').length,
      }
    },
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}

test('clients are not told where nobody answers; the list of stakes stays whole', async () => {
  await using network = await aNetwork()
  expect(await network.told()).toEqual({ swarm: 6, listed: 6, addresses: 6 })
  for (const key of network.keys.slice(2)) network.unreached.add(key)
  expect(await network.told()).toEqual({ swarm: 2, listed: 6, addresses: 2 })
})

test('clients are told everything when fewer than a third would be left', async () => {
  await using network = await aNetwork()
  for (const key of network.keys.slice(1)) network.unreached.add(key)
  expect(await network.told()).toEqual({ swarm: 6, listed: 6, addresses: 6 })
})
