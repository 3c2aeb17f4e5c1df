import { assert } from '../base/assert.ts'
import { toHex } from '../base/bytes.ts'
import { sha256 } from '../crypto/hash.ts'
import type { Member } from '../protocol/service-node.ts'

/** Bytes of one member: id u64 | Ed25519 key 32 | BLS key 64 | added timestamp u64 | leave request timestamp u64, big-endian. */
const MEMBER_BYTES = 8 + 32 + 64 + 8 + 8

/** SHA-256 over all members in ascending order of id, 64 hex digits. Equal roots mean equal lists (docs/staking.md). */
export function memberRoot(members: readonly Member[]): string {
  const bytes = Buffer.alloc(members.length * MEMBER_BYTES)
  members.forEach((member, index) => {
    const before = members[index - 1]
    assert(before === undefined || before.id < member.id, 'Members are in ascending order of id')
    writeMember(bytes, index * MEMBER_BYTES, member)
  })
  return toHex(sha256(bytes))
}

function writeMember(bytes: Buffer, at: number, member: Member): void {
  const keyAt = bytes.writeBigUInt64BE(member.id, at)
  const blsAt = keyAt + bytes.write(member.key, keyAt, 32, 'hex')
  assert(blsAt === keyAt + 32, 'An Ed25519 key has 32 bytes')
  assert(member.bls.length === 128, 'A BLS key has 64 bytes')
  const addedAt = blsAt + bytes.write(member.bls, blsAt, 64, 'hex')
  assert(addedAt === blsAt + 64, 'A BLS key has 64 bytes')
  bytes.writeBigUInt64BE(member.leaveRequestTimestampS, bytes.writeBigUInt64BE(member.addedTimestampS, addedAt))
}
