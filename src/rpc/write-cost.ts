// What writes cost of an account's rate when they are more work than storing one message.

/**
 * Of a write that looks at all that an account has, which may be twenty thousand messages and as many tombstones: a dozen at
 * once, and then one a second, since nothing else is written meanwhile.
 */
export const WHOLE_ACCOUNT_COST = 50

/** Hashes whose change costs as much as storing one message, which is flushed by itself. */
const HASHES_PER_TOKEN = 50

/** Of a write that names messages. */
export function costOfHashes(count: number): number {
  return Math.max(1, Math.ceil(count / HASHES_PER_TOKEN))
}
