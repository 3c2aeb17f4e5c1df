// The same over real connections between two nodes, with real timers.
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { StoredMessage } from '../../../src/protocol/message.ts'
import { type Comparison, createComparison } from '../../../src/swarm/contents-comparison.ts'
import { ContentsConduct } from '../../../src/swarm/contents-conduct.ts'
import { createContentsIntake } from '../../../src/swarm/contents-intake.ts'
import { createContentsMetrics } from '../../../src/swarm/contents-metrics.ts'
import { createContentsRequester } from '../../../src/swarm/contents-requester.ts'
import { createContentsResponder } from '../../../src/swarm/contents-responder.ts'
import { createSwarmMembership } from '../../../src/swarm/membership.ts'
import { createSwarmMetrics } from '../../../src/swarm/metrics.ts'
import { defaultSwarmOptions } from '../../../src/swarm/options.ts'
import { anIdentity, createTestNode, type TestNode } from '../network/peer-network-support.ts'
import { aMessage, openTestStore, type TestStore } from '../storage/store-fixture.ts'
import { anEpoch, NETWORK } from './member-lists.ts'

const options = { ...defaultSwarmOptions.comparing, intervalMs: 50, confirmAfterMs: 10 }

test('two nodes find and fetch over real connections what they lack, by themselves', async () => {
  await using stack = new AsyncDisposableStack()
  const [one, two] = [anIdentity(), anIdentity()]
  const members = [one.member, two.member]
  const first = stack.use(await createTestNode(one, members))
  await first.network.start()
  const bootstrapMultiaddrs = [first.address()]
  const second = stack.use(await createTestNode(two, members, { bootstrapMultiaddrs }))
  await second.network.start()

  const stores: TestStore[] = [stack.use(await openTestStore()), stack.use(await openTestStore())]
  const [here, there] = stores as [TestStore, TestStore]
  const large = Array.from({ length: 40 }, (_, at) => aMessage({ data: Buffer.alloc(60_000, at) }))
  const small = Array.from({ length: 40 }, () => aMessage())
  const stampOf = ({ timestampMs }: StoredMessage) => ({ stamp: timestampMs * 1000 })
  await Promise.all(large.map((message) => here.store.store(message, stampOf(message))))
  await Promise.all(small.map((message) => there.store.store(message, stampOf(message))))

  const join = (node: TestNode, { store, clock }: TestStore): Comparison => {
    const registry = createMetricsRegistry()
    const metrics = createContentsMetrics(registry)
    const log = silentLogger
    const membership = createSwarmMembership(
      { self: node.key, networkId: NETWORK, log, metrics: createSwarmMetrics(createMetricsRegistry()) },
      { ...defaultSwarmOptions, sizeMin: 2 },
    )
    membership.update(anEpoch(7, members))
    // Stores and messages have a clock that stands still.
    const parts = { contents: store.contents, membership, clock: { ...systemClock, nowMs: clock.nowMs }, log, metrics }
    const conduct = new ContentsConduct(parts, options)
    const requests = { carryOut: async () => 'later' as const }
    const intake = createContentsIntake({ ...parts, requests, announce: () => {}, conduct })
    const exchange = createContentsRequester({ peers: node.network, conduct, metrics })
    const responder = createContentsResponder({ ...parts, intake, conduct }, options)
    node.network.handle('contents', (from, payload, signal) => responder.handle(from, payload, signal))
    const comparison = createComparison(
      { ...parts, self: node.key, exchange, intake, conduct, random: () => 0.5 },
      options,
    )
    return stack.use(comparison)
  }
  const comparisons = [join(first, here), join(second, there)]
  const equals = comparisons.map((comparison) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    comparison.onEqual(resolve)
    return promise
  })
  await Promise.all(equals)
  for (const { store } of stores) expect(store.statistics().messages).toBe(80)
})
