import type { AccountId } from './account.ts'

/** A point on the 64-bit ring that accounts and swarms share. */
export type SwarmSpace = bigint

/** Points on the ring. */
export const SWARM_SPACE_SIZE = 1n << 64n

/** Hex digits before the key: the network prefix. */
const PREFIX_DIGITS = 2
const WORD_DIGITS = 16
const HALF_WORD_DIGITS = 8

/**
 * Maps an account onto the ring: its 32-byte key, read as four big-endian 64-bit words, XORed together
 * (docs/protocol/swarms.md). Every request of a client needs it, so the digits are read as 32-bit numbers, which takes a
 * fifth of the time of four bigints.
 */
export function swarmSpaceOf(account: AccountId): SwarmSpace {
  const high = xorOfHalfWords(account, PREFIX_DIGITS)
  const low = xorOfHalfWords(account, PREFIX_DIGITS + HALF_WORD_DIGITS)
  return (BigInt(high) << 32n) | BigInt(low)
}

/** XOR of the 32-bit halves of all words, from the one at `start` on. */
function xorOfHalfWords(account: AccountId, start: number): number {
  let result = 0
  for (let at = start; at < account.length; at += WORD_DIGITS) {
    let half = 0
    for (let digit = at; digit < at + HALF_WORD_DIGITS; digit++)
      half = (half << 4) | hexDigit(account.charCodeAt(digit))
    result ^= half
  }
  return result >>> 0
}

/** The value of a hex digit, in ASCII: letters have bit 6 set, and their low bits count from 1. */
function hexDigit(code: number): number {
  return (code & 15) + (code >> 6) * 9
}
