import { bn254 } from '@noble/curves/bn254.js'
import type { Hex } from 'viem'
import type { SeedMember } from '../../contracts/deployment/network-parameters.ts'
import { toBigInt, utf8 } from '../../src/base/bytes.ts'
import { sha256 } from '../../src/crypto/hash.ts'

/**
 * Members for a list that is as long as a test needs, made in a moment. Nobody should rely on them: their BLS keys are 1, 2, 3, …, and
 * nobody has their Ed25519 keys.
 */
export function manySeedMembers(count: number, operator: Hex): readonly SeedMember[] {
  let key = bn254.G1.Point.ZERO
  return Array.from({ length: count }, (_, index) => {
    key = key.add(bn254.G1.Point.BASE)
    const { x, y } = key.toAffine()
    const ed25519Pubkey = toBigInt(sha256(utf8(`member ${index}`)))
    return { blsPubkey: { X: x, Y: y }, ed25519Pubkey, addedTimestampS: 1_700_000_000n + BigInt(index), operator }
  })
}
