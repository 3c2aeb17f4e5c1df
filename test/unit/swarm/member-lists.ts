// Builders of member lists and epochs for the tests of this folder.
import { createHash } from 'node:crypto'
import { type AccountId, parseAccountId } from '../../../src/protocol/account.ts'
import type { NetworkId } from '../../../src/protocol/network-id.ts'
import { type Member, type MembershipEpoch, parseServiceNodeKey } from '../../../src/protocol/service-node.ts'

export const NETWORK = hashOf('a network for tests') as NetworkId

export const EPOCH_TIME_S = 1_800_000_000n

/** A member of its own key and place for each number; `seed` makes another network of members. */
export function aMember(number: number, changes: Partial<Member> = {}, seed = ''): Member {
  const key = parseServiceNodeKey(hashOf(`${seed} member ${number}`))
  if (key === undefined) throw new Error('Not a service node key')
  return {
    id: BigInt(number + 1),
    key,
    bls: '00'.repeat(64),
    operator: `0x${'00'.repeat(20)}`,
    addedTimestampS: 1_700_000_000n + BigInt(number),
    leaveRequestTimestampS: 0n,
    depositAtomic: 25_000n,
    ...changes,
  }
}

export function someMembers(count: number, seed = ''): Member[] {
  return Array.from({ length: count }, (_, number) => aMember(number, {}, seed))
}

export function anEpoch(
  index: number,
  members: readonly Member[],
  changes: Partial<MembershipEpoch> = {},
): MembershipEpoch {
  const root = hashOf(members.map(({ id, key, leaveRequestTimestampS: t }) => `${id} ${key} ${t}`).join())
  const blockHash = `0x${hashOf(`block ${index}`)}`
  return { index, blockNumber: BigInt(index), blockHash, blockTimestampS: EPOCH_TIME_S, members, root, ...changes }
}

/** An account whose place on the ring is `space`: all but its last word is zero. */
export function accountAt(space: bigint): AccountId {
  const account = parseAccountId(`05${space.toString(16).padStart(64, '0')}`)
  if (account === undefined) throw new Error('Not a point of the ring')
  return account
}

/** Points spread evenly over the ring. */
export function pointsOfTheRing(count: number): bigint[] {
  return Array.from({ length: count }, (_, index) => (BigInt(index) * (1n << 64n)) / BigInt(count))
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
