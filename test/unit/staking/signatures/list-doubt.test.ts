import { expect, test } from 'vitest'
import { MINUTE } from '../../../../src/base/clock.ts'
import type { MembershipEpoch, ServiceNodeKey } from '../../../../src/protocol/service-node.ts'
import { createListDoubt } from '../../../../src/staking/signatures/list-doubt.ts'
import { aMember, anEpoch } from '../../swarm/member-lists.ts'
import { aClock } from '../staked-chain.ts'

const self = aMember(0).key
const epoch = anEpoch(7, [aMember(0)])

function aDoubt(others: readonly { root?: string; index?: number; ageMs?: number; key?: ServiceNodeKey }[]) {
  const clock = aClock()
  const records = others.map(({ root = epoch.root, index = 7, ageMs = 0, key }, number) => ({
    key: key ?? aMember(number + 1).key,
    record: { timestampMs: clock.nowMs() - ageMs, epoch: { index, root, blockHash: epoch.blockHash } },
  }))
  const listeners: ((epoch: MembershipEpoch) => void)[] = []
  const chain = {
    current: () => epoch,
    previous: () => undefined,
    onEpoch: (listener: (epoch: MembershipEpoch) => void) => {
      listeners.push(listener)
      return () => {}
    },
  }
  const peers = { records: () => records }
  const doubt = createListDoubt({ chain, peers, self, clock }, { recordAgeMaxMs: 65 * MINUTE })
  return { doubt, enter: (next: MembershipEpoch) => listeners.map((listener) => listener(next)) }
}

const other = { root: 'ee'.repeat(32) }

test('a list is in doubt when more than a third of those that can be compared differ', () => {
  expect(aDoubt([]).doubt.isDoubted()).toBe(false)
  expect(aDoubt([other, {}, {}]).doubt.isDoubted()).toBe(false)
  expect(aDoubt([other, other, {}, {}, {}]).doubt.isDoubted()).toBe(true)
  expect(aDoubt([other, {}]).doubt.isDoubted()).toBe(true)
})

test('old records, our own, and those of epochs that we have not seen do not count', () => {
  const ignored = [
    { ...other, ageMs: 66 * MINUTE },
    { ...other, key: self },
    { ...other, index: 8 },
  ]
  const { doubt, enter } = aDoubt(ignored)
  expect(doubt.isDoubted()).toBe(false)
  enter(anEpoch(8, [aMember(0)]))
  expect(doubt.isDoubted()).toBe(true)
  for (let index = 9; index <= 24; index++) enter(anEpoch(index, [aMember(0)]))
  expect(doubt.isDoubted()).toBe(false)
})
