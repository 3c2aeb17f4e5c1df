import { expect, test } from 'vitest'
import { createMetricsRegistry, type MetricsRegistry } from '../../../src/base/metrics.ts'
import { createCapacity } from '../../../src/onion-relay/capacity.ts'
import { createOnionRelayMetrics } from '../../../src/onion-relay/metrics.ts'
import { defaultOnionRelayOptions } from '../../../src/onion-relay/options.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'

const peer = (digit: string) => digit.repeat(64) as ServiceNodeKey

const inFlight = async (registry: MetricsRegistry) =>
  (await registry.expose()).match(/(?<=^starling_onion_relay_)(requests_in_flight|in_flight_bytes) \d+/gm)

function aCapacity(options: Partial<typeof defaultOnionRelayOptions>) {
  const registry = createMetricsRegistry()
  const capacity = createCapacity(createOnionRelayMetrics(registry), { ...defaultOnionRelayOptions, ...options })
  return { capacity, registry }
}

test('one node takes no more than its share, and others still find a place', () => {
  const { capacity } = aCapacity({ peerRequestsMax: 2 })
  expect(capacity.enter(peer('a'), 1)).toBeDefined()
  const leave = capacity.enter(peer('a'), 1)
  expect(capacity.enter(peer('a'), 1)).toBeUndefined()
  expect(capacity.enter(peer('b'), 1)).toBeDefined()
  leave?.()
  expect(capacity.enter(peer('a'), 1)).toBeDefined()
})

test('clients leave room for other nodes', () => {
  const { capacity } = aCapacity({ requestsMax: 3, clientRequestsMax: 2 })
  expect([1, 2, 3].map(() => capacity.enter('clients', 1) !== undefined)).toEqual([true, true, false])
  expect(capacity.enter(peer('a'), 1)).toBeDefined()
  expect(capacity.enter(peer('b'), 1)).toBeUndefined()
})

test('bytes are bounded for each previous hop and in all', () => {
  const { capacity } = aCapacity({ requestBytesMax: 100, peerRequestBytesMax: 60, clientRequestBytesMax: 100 })
  expect(capacity.enter(peer('a'), 61)).toBeUndefined()
  const leave = capacity.enter(peer('a'), 60)
  expect(capacity.enter(peer('a'), 1)).toBeUndefined()
  expect(capacity.enter('clients', 41)).toBeUndefined()
  expect(capacity.enter('clients', 40)).toBeDefined()
  leave?.()
  expect(capacity.enter(peer('b'), 60)).toBeDefined()
})

test('the metrics show what is under way', async () => {
  const { capacity, registry } = aCapacity({})
  const leave = capacity.enter(peer('a'), 10)
  capacity.enter('clients', 5)
  expect(await inFlight(registry)).toEqual(['requests_in_flight 2', 'in_flight_bytes 15'])
  leave?.()
  expect(await inFlight(registry)).toEqual(['requests_in_flight 1', 'in_flight_bytes 5'])
})
