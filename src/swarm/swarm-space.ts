import type { AccountId } from '../protocol/account.ts'

/** A point on the 64-bit ring that accounts and swarms share. */
export type SwarmSpace = bigint

/** Points on the ring. */
export const SWARM_SPACE_SIZE = 1n << 64n

/** Hex digits of the network prefix, which is not part of the key. */
const PREFIX_DIGITS = 2
const KEY_DIGITS = 64
const WORD_DIGITS = 16
const HALF_WORD_DIGITS = 8

/**
 * Maps an account onto the ring: its 32-byte key, read as four big-endian 64-bit words, XORed together
 * (docs/protocol/swarms.md). The halves of the words are XORed as 32-bit numbers, so that a request costs one bigint.
 */
export function swarmSpaceOf(account: AccountId): SwarmSpace {
  let high = 0
  let low = 0
  for (let at = PREFIX_DIGITS; at < PREFIX_DIGITS + KEY_DIGITS; at += WORD_DIGITS) {
    const middle = at + HALF_WORD_DIGITS
    high ^= Number.parseInt(account.slice(at, middle), 16)
    low ^= Number.parseInt(account.slice(middle, at + WORD_DIGITS), 16)
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}
