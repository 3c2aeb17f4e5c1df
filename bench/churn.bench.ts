// A network of 2,000 service nodes of which two in a hundred are replaced every day, for thirty days, by the very functions that place
// them: how much each has to fetch, against what no placement could spare, and how evenly the load lies.
import { toHex } from '../src/base/bytes.ts'
import { sha256 } from '../src/crypto/hash.ts'
import type { AccountId } from '../src/protocol/account.ts'
import { hashMessage } from '../src/protocol/message.ts'
import { networkIdOf } from '../src/protocol/network-id.ts'
import { heldItemSize } from '../src/protocol/peer-api/contents-item.ts'
import { type Member, type MembershipEpoch, parseServiceNodeKey } from '../src/protocol/service-node.ts'
import type { SwarmArc } from '../src/protocol/swarm-assignment.ts'
import { defaultSwarmOptions } from '../src/swarm/options.ts'
import { SwarmMap } from '../src/swarm/swarm-map.ts'
import type { Benchmark } from './ratio.ts'

const MEMBERS = 2000
const REPLACED_A_DAY = MEMBERS * 0.02
const DAYS = 30
/** 1 KiB each: what the network holds, each in as many copies as its swarm has members. */
const MESSAGES = 100_000_000
const DATA_BYTES = 1024
const CONTRACT = '0x00000000000000000000000000000000000000aa'
const NETWORK = networkIdOf(1, CONTRACT)
const RING = 2 ** 64
const MIB = 1024 * 1024

export const benchmark: Benchmark = {
  name: 'churn',
  async run() {
    const { fetched, joined, shares } = livedThrough(DAYS)
    const dayAndNode = (messages: number, bytes: number) => (messages * MESSAGES * bytes) / DAYS / MEMBERS / MIB
    const sorted = shares.toSorted((a, b) => a - b)
    const held = (share: number) => (share * MESSAGES * DATA_BYTES) / MIB
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    const days = `a day and node, of ${MEMBERS} with ${REPLACED_A_DAY} replaced a day`
    return [
      {
        ...{ name: `fetched ${days}`, goal: 0.3, unit: 'MiB' as const },
        ...{ ours: dayAndNode(fetched, itemBytes()), limitName: 'what newcomers have to hold, data alone' },
        limit: dayAndNode(joined, DATA_BYTES),
      },
      {
        ...{ name: 'held by the node with most', goal: 0.5, unit: 'MiB' as const },
        ...{ ours: held(sorted.at(-1) ?? 0), limitName: 'the mean', limit: held(mean) },
      },
      {
        ...{ name: 'held by the hundredth node with most', goal: 0.5, unit: 'MiB' as const },
        ...{ ours: held(sorted[Math.floor(sorted.length * 0.95)] ?? 0), limitName: 'the mean', limit: held(mean) },
      },
    ]
  },
}

/** Shares of all accounts: fetched by all nodes together, and by those that are new; and what each held in the end. */
function livedThrough(days: number): { fetched: number; joined: number; shares: readonly number[] } {
  let members = Array.from({ length: MEMBERS }, (_, number) => aMember(number))
  let made = MEMBERS
  let map = mapOf(0, members, undefined)
  let [fetched, joined] = [0, 0]
  for (let change = 1; change <= days * REPLACED_A_DAY; change++) {
    const leaving = Buffer.from(sha256(Buffer.from(`leaves ${change}`))).readUInt32BE(0) % members.length
    members = members.filter((_, index) => index !== leaving)
    members.push(aMember(made++))
    const after = mapOf(change, members, map)
    for (const { key } of members) {
      const now = after.arcServedBy(key)
      const before = map.arcServedBy(key)
      if (now === undefined || (before !== undefined && isSame(now, before))) continue
      fetched += before === undefined ? sizeOf(now) : sizeOf(now) - shared(now, before)
      if (before === undefined) joined += sizeOf(now)
    }
    map = after
  }
  return { fetched, joined, shares: members.map(({ key }) => sizeOf(map.arcServedBy(key) ?? { first: 0n, last: -1n })) }
}

function mapOf(index: number, members: readonly Member[], before: SwarmMap | undefined): SwarmMap {
  const block = { blockNumber: BigInt(index), blockHash: `0x${'00'.repeat(32)}`, blockTimestampS: 1_800_000_000n }
  const epoch: MembershipEpoch = { index, ...block, members, root: '' }
  return new SwarmMap(epoch, NETWORK, defaultSwarmOptions, before)
}

function isSame(a: SwarmArc, b: SwarmArc): boolean {
  return a.first === b.first && a.last === b.last
}

function sizeOf({ first, last }: SwarmArc): number {
  return (Number(BigInt.asUintN(64, last - first)) + 1) / RING
}

/** Of two arcs of the ring, which may both go through 0: how much is in both. */
function shared(a: SwarmArc, b: SwarmArc): number {
  let sum = 0
  for (const [aFirst, aLast] of pieces(a)) {
    for (const [bFirst, bLast] of pieces(b)) {
      const first = aFirst > bFirst ? aFirst : bFirst
      const last = aLast < bLast ? aLast : bLast
      if (first <= last) sum += (Number(last - first) + 1) / RING
    }
  }
  return sum
}

function pieces({ first, last }: SwarmArc): readonly (readonly [bigint, bigint])[] {
  if (first <= last) return [[first, last]]
  return [
    [first, 2n ** 64n - 1n],
    [0n, last],
  ]
}

/** What one message takes on the wire between members. */
function itemBytes(): number {
  const account = `05${'00'.repeat(32)}` as AccountId
  const data = Buffer.alloc(DATA_BYTES)
  const times = { timestampMs: 1_800_000_000_000, expiryMs: 1_801_000_000_000 }
  const message = { account, namespace: 0, hash: hashMessage(account, 0, data), data, ...times }
  const stamps = { stamp: 1_800_000_000_000_000, changedStamp: 1_800_000_000_000_000 }
  return heldItemSize({ kind: 'message', message, livesUntilMs: times.expiryMs, ...stamps })
}

function aMember(number: number): Member {
  const key = parseServiceNodeKey(toHex(sha256(Buffer.from(`churn ${number}`))))
  if (key === undefined) throw new Error('32 bytes are a key')
  return {
    ...{ id: BigInt(number + 1), key, bls: 'ab'.repeat(64), operator: CONTRACT },
    ...{ addedTimestampS: 1_700_000_000n + BigInt(number), leaveRequestTimestampS: 0n, depositAtomic: 25n },
  }
}
