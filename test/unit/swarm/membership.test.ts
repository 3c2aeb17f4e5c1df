import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY } from '../../../src/base/clock.ts'
import { type Logger, silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import type { Member, ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { swarmSpaceOf } from '../../../src/protocol/swarm-space.ts'
import { ArcSet } from '../../../src/swarm/arc-set.ts'
import { createSwarmMembership, type SwarmChange, type SwarmMembership } from '../../../src/swarm/membership.ts'
import { createSwarmMetrics } from '../../../src/swarm/metrics.ts'
import { computeSwarms } from '../../../src/swarm/placement.ts'
import { accountAt, aMember, anEpoch, EPOCH_TIME_S, NETWORK, pointsOfTheRing, someMembers } from './member-lists.ts'

const options = { sizeMin: 5, unlockMs: 15 * DAY, handOverEpochs: 3 }
const DAYS_15_S = 15n * 86_400n
const ACCOUNTS = pointsOfTheRing(200).map(accountAt)
const stranger = aMember(9_999).key

function membershipOf(self: ServiceNodeKey, components: { log?: Logger } = {}) {
  const registry = createMetricsRegistry()
  const metrics = createSwarmMetrics(registry)
  const membership = createSwarmMembership(
    { self, networkId: NETWORK, log: silentLogger, metrics, ...components },
    options,
  )
  return { membership, registry }
}

/** Keeps lines of one level. */
function recordingLogger(level: 'info' | 'warn') {
  const lines: { facts: object; sentence: string }[] = []
  const log: Logger = { ...silentLogger, [level]: (facts: object, sentence: string) => lines.push({ facts, sentence }) }
  return { log, lines }
}

function keyOf(members: readonly Member[], number: number): ServiceNodeKey {
  return members[number]?.key ?? expect.unreachable()
}

/** The accounts of which a list says that `self` keeps them, from the placement alone. */
function accountsServedBy(self: ServiceNodeKey, members: readonly Member[]): AccountId[] {
  const { membership } = membershipOf(self)
  membership.update(anEpoch(1, members))
  return ACCOUNTS.filter((account) => membership.swarmOf(account)?.members.includes(self))
}

function served(membership: SwarmMembership): AccountId[] {
  return ACCOUNTS.filter(membership.serves)
}

function hex(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString(16) : value
}

function inRingOrder(accounts: readonly AccountId[]): AccountId[] {
  return [...new Set(accounts)].sort()
}

test('before the first epoch nobody is a member and no account is served', () => {
  const { membership } = membershipOf(stranger)
  expect(membership.epoch()).toBeUndefined()
  expect(membership.members()).toEqual([])
  expect(membership.swarms()).toEqual([])
  expect(membership.ownSwarm()).toBeUndefined()
  expect(membership.ownArc()).toBeUndefined()
  expect(membership.isMember(stranger)).toBe(false)
  for (const account of ACCOUNTS.slice(0, 3)) {
    expect(membership.swarmOf(account)).toBeUndefined()
    expect(membership.serves(account)).toBe(false)
    expect(membership.replicas(account)).toEqual([])
  }
})

test('an epoch without members has no swarms', () => {
  const { membership } = membershipOf(stranger)
  membership.update(anEpoch(1, []))
  expect(membership.swarms()).toEqual([])
  expect(membership.swarmOf(accountAt(1n))).toBeUndefined()
})

test('every account has one swarm, its members serve it and no one else does', () => {
  const members = someMembers(60)
  const nodes = members.map(({ key }) => ({ key, membership: membershipOf(key).membership }))
  for (const { membership } of nodes) membership.update(anEpoch(1, members))
  for (const account of ACCOUNTS.slice(0, 40)) {
    const serving = nodes.filter(({ membership }) => membership.serves(account)).map(({ key }) => key)
    for (const { membership } of nodes.slice(0, 3)) expect(membership.swarmOf(account)?.members).toEqual(serving.sort())
  }
})

test('a node knows its own swarm, and the others it passes changes on to', () => {
  const members = someMembers(60)
  const self = keyOf(members, 7)
  const { membership } = membershipOf(self)
  membership.update(anEpoch(1, members))
  const own = membership.ownSwarm() ?? expect.unreachable()
  const account = accountAt(own.id)
  expect(own.members).toContain(self)
  expect(membership.swarmOfMember(self)).toBe(own.id)
  expect(membership.swarmOf(account)).toBe(own)
  expect(membership.replicas(account)).toEqual(own.members.filter((key) => key !== self))
  expect(membership.swarmOfMember(stranger)).toBeUndefined()
})

test('a node outside all swarms serves nothing and knows where others are', () => {
  const { membership } = membershipOf(stranger)
  membership.update(anEpoch(1, someMembers(20)))
  expect(served(membership)).toEqual([])
  expect(membership.ownSwarm()).toBeUndefined()
  expect(membership.replicas(accountAt(5n))).toEqual(membership.swarmOf(accountAt(5n))?.members)
})

test('for one epoch after a change, old and new members serve an account and get its changes', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 30 }), fc.nat({ max: 30 }), (seed, leaving, joining) => {
      const before = someMembers(60, String(seed))
      const after = [...before.slice(leaving), ...someMembers(60 + joining, String(seed)).slice(60)]
      const self = keyOf(before, 59)
      const { membership } = membershipOf(self)
      membership.update(anEpoch(1, before))
      membership.update(anEpoch(2, after))
      const [was, is] = [accountsServedBy(self, before), accountsServedBy(self, after)]
      expect(served(membership)).toEqual(inRingOrder([...was, ...is]))

      const other = { before: membershipOf(stranger).membership, after: membershipOf(stranger).membership }
      other.before.update(anEpoch(1, before))
      other.after.update(anEpoch(1, after))
      for (const account of ACCOUNTS.slice(0, 20)) {
        const union = new Set([...other.before.replicas(account), ...other.after.replicas(account)])
        union.delete(self)
        expect(new Set(membership.replicas(account))).toEqual(union)
        expect(membership.swarmOf(account)).toEqual(other.after.swarmOf(account))
      }

      membership.update(anEpoch(3, after))
      expect(served(membership)).toEqual(is)
    }),
    { numRuns: 20 },
  )
})

test('a node that left the list is still let in for one epoch', () => {
  const members = someMembers(12)
  const gone = keyOf(members, 3)
  const { membership } = membershipOf(keyOf(members, 0))
  const rest = members.filter(({ key }) => key !== gone)
  membership.update(anEpoch(1, members))
  membership.update(anEpoch(2, rest))
  expect(membership.isMember(gone)).toBe(true)
  expect(membership.members()).toEqual(rest)
  expect(membership.swarmOfMember(gone)).toBeUndefined()
  membership.update(anEpoch(3, rest))
  expect(membership.isMember(gone)).toBe(false)
})

test('the same epoch twice changes nothing, so the overlap lasts its whole epoch', () => {
  const members = someMembers(12)
  const gone = keyOf(members, 3)
  const { membership } = membershipOf(keyOf(members, 0))
  const changes: SwarmChange[] = []
  membership.update(anEpoch(1, members))
  membership.onChange((change) => changes.push(change))
  for (let times = 0; times < 3; times++)
    membership.update(
      anEpoch(
        2,
        members.filter(({ key }) => key !== gone),
      ),
    )
  expect(changes).toHaveLength(1)
  expect(membership.isMember(gone)).toBe(true)
})

test('an earlier epoch is refused', async () => {
  const { log, lines } = recordingLogger('warn')
  const { membership, registry } = membershipOf(stranger, { log })
  const members = someMembers(12)
  membership.update(anEpoch(5, members))
  membership.update(anEpoch(4, members.slice(6)))
  expect(membership.epoch()?.index).toBe(5)
  expect(membership.members()).toBe(members)
  expect(lines).toEqual([{ facts: { epoch: 4, current: 5 }, sentence: 'An epoch before the current one was refused' }])
  expect(await registry.expose()).toContain('starling_swarm_epochs_total{update="refused"} 1')
})

test('a corrected epoch replaces the wrong one, and the epoch before it stays', () => {
  const right = someMembers(12)
  const gone = keyOf(right, 3)
  const wrong = someMembers(12, 'a lying provider')
  const { membership } = membershipOf(keyOf(right, 0))
  membership.update(anEpoch(1, right))
  membership.update(anEpoch(2, wrong))
  membership.update(
    anEpoch(
      2,
      right.filter(({ key }) => key !== gone),
    ),
  )
  expect(membership.isMember(keyOf(wrong, 1))).toBe(false)
  expect(membership.isMember(gone)).toBe(true)
})

test('a member that asked to leave keeps messages until its unlock time by the block, and stays a member after', () => {
  const members = someMembers(12)
  const leavingSince = (leaveRequestTimestampS: bigint) =>
    members.map((member, number) => (number === 3 ? { ...member, leaveRequestTimestampS } : member))
  const leaving = keyOf(members, 3)
  const { membership } = membershipOf(keyOf(members, 0))
  membership.update(anEpoch(1, leavingSince(EPOCH_TIME_S - DAYS_15_S + 1n)))
  expect(membership.swarmOfMember(leaving)).toBeDefined()
  membership.update(anEpoch(2, leavingSince(EPOCH_TIME_S - DAYS_15_S)))
  expect(membership.swarmOfMember(leaving)).toBeUndefined()
  expect(membership.isMember(leaving)).toBe(true)
  expect(membership.swarms().flatMap((swarm) => swarm.members)).toHaveLength(11)
})

test('the passing of time alone unlocks a member: the list may stay the same', () => {
  const members = someMembers(12).map((member, number) =>
    number === 3 ? { ...member, leaveRequestTimestampS: EPOCH_TIME_S - 60n } : member,
  )
  const { membership } = membershipOf(keyOf(members, 0))
  membership.update(anEpoch(1, members))
  membership.update(anEpoch(2, members, { blockTimestampS: EPOCH_TIME_S + DAYS_15_S }))
  expect(membership.swarmOfMember(keyOf(members, 3))).toBeUndefined()
})

test('swarms keep their identity when nobody came or went', () => {
  const members = someMembers(60)
  const { membership } = membershipOf(keyOf(members, 0))
  membership.update(anEpoch(1, members))
  const swarms = membership.swarms()
  membership.update(anEpoch(2, someMembers(60)))
  expect(membership.swarms()).toBe(swarms)
  membership.update(anEpoch(3, someMembers(59)))
  expect(membership.swarms()).not.toBe(swarms)
})

test('a node that registered again is placed anew', () => {
  const members = someMembers(60)
  const { membership } = membershipOf(keyOf(members, 0))
  membership.update(anEpoch(1, members))
  const before = membership.swarms()
  const again = members.map((member) => ({ ...member, addedTimestampS: member.addedTimestampS + 1_000n }))
  membership.update(anEpoch(2, again))
  expect(membership.swarms()).toEqual(computeSwarms(again, NETWORK, options))
  expect(membership.swarms()).not.toEqual(before)
})

test('an epoch of the same list at another block is a corrected one', () => {
  const members = someMembers(12)
  const { membership } = membershipOf(keyOf(members, 0))
  membership.update(anEpoch(1, members))
  const corrected = anEpoch(1, members, { blockHash: `0x${'11'.repeat(32)}` })
  membership.update(corrected)
  expect(membership.epoch()).toBe(corrected)
})

test('listeners learn who joined and left the own swarm, until they unsubscribe', () => {
  const members = someMembers(9)
  const self = keyOf(members, 0)
  const { membership } = membershipOf(self)
  const changes: SwarmChange[] = []
  const unsubscribe = membership.onChange((change) => changes.push(change))
  membership.update(anEpoch(1, members.slice(0, 7)))
  membership.update(anEpoch(2, members.slice(0, 7)))
  membership.update(anEpoch(3, [...members.slice(0, 6), ...members.slice(8)]))
  membership.update(anEpoch(4, members.slice(1)))
  unsubscribe()
  membership.update(anEpoch(5, members))
  const others = members.slice(1, 7).map(({ key }) => key)
  expect(changes.map(({ joined, left, epoch, accountsChanged }) => [epoch, joined, left, accountsChanged])).toEqual([
    [1, [...others].sort(), [], true],
    [2, [], [], false],
    [3, [keyOf(members, 8)], [keyOf(members, 6)], false],
    [4, [], [...others.slice(0, 5), keyOf(members, 8)].sort(), true],
  ])
  expect(changes.map(({ before, after }) => [before?.members.length, after?.members.length])).toEqual([
    [undefined, 7],
    [7, 7],
    [7, 7],
    [7, undefined],
  ])
})

test('a listener is told when this node serves other accounts although its swarm stayed the same', () => {
  const before = someMembers(60)
  const after = before.slice(0, 40)
  let sameSwarmOtherAccounts = 0
  for (const { key } of after) {
    const { membership } = membershipOf(key)
    membership.update(anEpoch(1, before))
    const arcBefore = membership.ownArc()
    const changes: SwarmChange[] = []
    membership.onChange((change) => changes.push(change))
    membership.update(anEpoch(2, after))
    const [change] = changes
    const hasMoved = JSON.stringify(arcBefore, hex) !== JSON.stringify(membership.ownArc(), hex)
    expect(change?.accountsChanged).toBe(hasMoved)
    if (hasMoved && change?.before?.id === change?.after?.id) sameSwarmOtherAccounts++
  }
  expect(sameSwarmOtherAccounts).toBeGreaterThan(0)
})

test('an own swarm that changes is logged with its id and size, without accounts', () => {
  const { log, lines } = recordingLogger('info')
  const members = someMembers(8)
  const { membership } = membershipOf(keyOf(members, 0), { log })
  membership.update(anEpoch(1, members.slice(0, 7)))
  membership.update(anEpoch(2, members.slice(0, 7)))
  membership.update(anEpoch(3, members))
  membership.update(anEpoch(4, members.slice(1)))
  const swarmId = '8000000000000000'
  expect(lines).toEqual([
    { facts: { swarmId, members: 7, joined: 6, left: 0 }, sentence: 'Our swarm changed' },
    { facts: { swarmId, members: 8, joined: 1, left: 0 }, sentence: 'Our swarm changed' },
    { facts: {}, sentence: 'This node left its swarm' },
  ])
})

test('the metrics show the epoch, the swarms and the own swarm', async () => {
  const members = someMembers(60)
  const { membership, registry } = membershipOf(keyOf(members, 0))
  membership.update(anEpoch(1_000, members))
  const text = await registry.expose()
  expect(text).toContain('starling_swarm_epoch_index 1000')
  expect(text).toContain('starling_swarm_network_members 60')
  expect(text).toContain(`starling_swarm_swarms ${membership.swarms().length}`)
  expect(text).toContain(`starling_swarm_own_members ${membership.ownSwarm()?.members.length}`)
  expect(text).toContain('starling_swarm_own_changes_total 1')
})

test('who served which part of the ring is known of this epoch and of the one before', () => {
  const members = someMembers(30)
  const self = keyOf(members, 0)
  const { membership } = membershipOf(self)
  expect(membership.holders()).toEqual({ now: [], before: [] })
  membership.update(anEpoch(1, members.slice(0, 12)))
  const { now } = membership.holders()
  membership.update(anEpoch(2, members))
  expect(membership.holders().before).toEqual(now)
  for (const account of ACCOUNTS) {
    const holders = membership.holders().now.filter(({ arc }) => ArcSet.of(arc).has(swarmSpaceOf(account)))
    expect(holders.map((each) => each.members)).toEqual([membership.swarmOf(account)?.members])
  }
  const arcs = ArcSet.of(...membership.servedArcs())
  expect(ACCOUNTS.filter((account) => arcs.has(swarmSpaceOf(account)))).toEqual(served(membership))
})

test('what a member served is remembered for some epochs, and then forgotten', () => {
  const members = someMembers(30)
  const { membership } = membershipOf(keyOf(members, 0))
  const other = keyOf(members, 1)
  membership.update(anEpoch(1, members.slice(0, 5)))
  expect(membership.arcsLatelyServedBy(other)).toEqual(membership.arcsServedBy(other))
  const sizes = [2, 3, 4, 5].map((index) => {
    membership.update(anEpoch(index, members))
    return ArcSet.of(...membership.arcsLatelyServedBy(other)).size
  })
  const whole = 1n << 64n
  expect(sizes.slice(0, 3)).toEqual([whole, whole, whole])
  expect(sizes[3]).toBeLessThan(whole)
  expect(membership.arcsLatelyServedBy(stranger)).toEqual([])
})
