// After a restart a node still takes accounts from those who served them before, or nobody could hand them over.
import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { MembershipEpoch, ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { keepFormerHolders } from '../../../src/swarm/former-holders.ts'
import { createSwarmMembership } from '../../../src/swarm/membership.ts'
import { createSwarmMetrics } from '../../../src/swarm/metrics.ts'
import { defaultSwarmOptions } from '../../../src/swarm/options.ts'
import { openTestStore } from '../storage/store-fixture.ts'
import { anEpoch, NETWORK, someMembers } from './member-lists.ts'

const members = someMembers(30)
const [self, other] = members.map(({ key }) => key) as [ServiceNodeKey, ServiceNodeKey]
const small = anEpoch(1, members.slice(0, 5))

function startedAt(...epochs: MembershipEpoch[]) {
  const metrics = createSwarmMetrics(createMetricsRegistry())
  const components = { self, networkId: NETWORK, log: silentLogger, metrics }
  const membership = createSwarmMembership(components, { ...defaultSwarmOptions, sizeMin: 5, handOverEpochs: 20 })
  for (const epoch of epochs) membership.update(epoch)
  return membership
}

test('who served an account before is known after a restart, for as long as without one', async () => {
  await using fixture = await openTestStore()
  const { marks } = fixture.store
  const membership = startedAt(small)
  await using _keeping = await keepFormerHolders({ marks, membership, log: silentLogger })
  const epochs = Array.from({ length: 8 }, (_, at) => anEpoch(2 + at, members))
  for (const epoch of epochs) membership.update(epoch)
  const known = membership.formerHolders()
  expect(known.length).toBeGreaterThan(0)
  await _keeping[Symbol.asyncDispose]()

  const again = startedAt(...epochs.slice(-2))
  expect(again.formerHolders()).toEqual([])
  await using _goingOn = await keepFormerHolders({ marks, membership: again, log: silentLogger })
  expect(again.formerHolders()).toEqual(known)
  expect(again.arcsLatelyServedBy(other).length).toBe(membership.arcsLatelyServedBy(other).length)
  again.update(anEpoch(40, members))
  expect(again.formerHolders()).toEqual([])
})

test('a list that cannot be read is an empty one', async () => {
  await using fixture = await openTestStore()
  const { marks } = fixture.store
  for (const bytes of [[], [2, 0, 0], [1, 0, 1, 7], [1, 0, 0, 0]]) {
    await marks.write('former-holders', Uint8Array.from(bytes))
    const membership = startedAt(small)
    await using _keeping = await keepFormerHolders({ marks, membership, log: silentLogger })
    expect(membership.formerHolders()).toEqual([])
  }
})
