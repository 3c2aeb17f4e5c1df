import { assert } from '../base/assert.ts'
import { concat, fromHex, toHex } from '../base/bytes.ts'
import { sha256 } from '../crypto/hash.ts'
import { type Member, serviceNodeKeyBytes } from '../protocol/service-node.ts'

/** Bytes of one member: id u64 | Ed25519 key 32 | BLS key 64 | added timestamp u64 | leave request timestamp u64, big-endian. */
const MEMBER_BYTES = 8 + 32 + 64 + 8 + 8

/** SHA-256 over all members in ascending order of id, 64 hex digits. Equal roots mean equal lists (docs/staking.md). */
export function memberRoot(members: readonly Member[]): string {
  members.forEach((member, index) => {
    const before = members[index - 1]
    assert(before === undefined || before.id < member.id, 'Members are in ascending order of id')
  })
  return toHex(sha256(...members.map(memberBytes)))
}

function memberBytes(member: Member): Uint8Array {
  const bls = fromHex(member.bls)
  assert(bls?.length === 64, 'A BLS key has 64 bytes')
  const bytes = concat(
    u64(member.id),
    serviceNodeKeyBytes(member.key),
    bls,
    u64(member.addedTimestampS),
    u64(member.leaveRequestTimestampS),
  )
  assert(bytes.length === MEMBER_BYTES, 'A member has a fixed size in the root')
  return bytes
}

function u64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}
