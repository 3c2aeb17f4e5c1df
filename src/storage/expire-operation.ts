import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { compareHashes, type MessageHash } from '../protocol/message.ts'
import type { Writer } from './group-commit.ts'
import { accountBytes, hashBytes } from './keys.ts'
import type { Locator } from './message-codec.ts'
import { changeExpiry, findMessage, isLive } from './message-records.ts'

/**
 * How an expiry is changed: `set` to whatever is given; `shorten` or `extend` only in that direction, and `extend` only by
 * what is worth a write. `extend-any` extends by however little: for a subaccount that may do nothing else.
 */
export type ExpireMode = 'set' | 'shorten' | 'extend' | 'extend-any'

export interface MessageExpiry {
  hash: MessageHash
  expiryMs: TimestampMs
}

/** Each list sorted by hash. */
export interface ExpireResult {
  updated: MessageExpiry[]
  /** Held, but left with the expiry given here. */
  unchanged: MessageExpiry[]
}

/** An extension by less than this share of the message's life so far planned is not worth rewriting it. */
const EXTENSION_SHARE_MIN = 0.01

export async function expireMessages(
  writer: Writer,
  account: AccountId,
  changes: readonly MessageExpiry[],
  mode: ExpireMode,
  nowMs: TimestampMs,
): Promise<ExpireResult> {
  const results = { updated: new Map<MessageHash, TimestampMs>(), unchanged: new Map<MessageHash, TimestampMs>() }
  const accountInKeys = accountBytes(account)
  for (const { hash, expiryMs } of changes) {
    await writer.makeRoom()
    const held = findMessage(writer.batch, { account: accountInKeys, hash: hashBytes(hash) })
    if (held === undefined || !isLive(held.locator, nowMs)) continue
    if (applies(mode, held.locator, expiryMs)) {
      changeExpiry(writer.batch, held, expiryMs)
      results.updated.set(hash, expiryMs)
    } else {
      results.unchanged.set(hash, held.locator.expiryMs)
    }
  }
  // A hash named twice is reported once, as updated if either was.
  for (const hash of results.updated.keys()) results.unchanged.delete(hash)
  return { updated: sorted(results.updated), unchanged: sorted(results.unchanged) }
}

function applies(mode: ExpireMode, { timestampMs, expiryMs: current }: Locator, wanted: TimestampMs): boolean {
  switch (mode) {
    case 'set':
      return true
    case 'shorten':
      return current > wanted
    case 'extend-any':
      return current < wanted
    case 'extend':
      return current < wanted && wanted - current >= (current - timestampMs) * EXTENSION_SHARE_MIN
  }
}

function sorted(expiries: ReadonlyMap<MessageHash, TimestampMs>): MessageExpiry[] {
  return [...expiries].map(([hash, expiryMs]) => ({ hash, expiryMs })).sort((a, b) => compareHashes(a.hash, b.hash))
}
