import { DAY, type TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { compareHashes, type MessageHash } from '../protocol/message.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import type { Circumstances } from './circumstances.ts'
import type { Writer } from './group-commit.ts'
import { accountBytes, hashBytes } from './keys.ts'
import { isHeld, type Locator } from './message-codec.ts'
import { keyOf } from './message-group.ts'
import { isLive } from './message-records.ts'
import { type ExpireMode, stamped } from './operation.ts'
import { moves } from './replay.ts'
import { settle } from './settlement.ts'

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

/** A plain change that moves the end of a message later by less than this share of the rest of its life can wait. */
const POSTPONED_SHARE = 0.01
/** The rest of a message's life from which on it can. */
const POSTPONED_REST_MIN_MS = DAY
/** How often one request can name a message and have the order of its wishes kept. */
const ORDER_MAX = 255

export async function expireMessages(
  writer: Writer,
  account: AccountId,
  changes: readonly MessageExpiry[],
  mode: ExpireMode,
  stamp: OperationStamp,
  circumstances: Circumstances,
): Promise<ExpireResult> {
  const results = { updated: new Map<MessageHash, TimestampMs>(), unchanged: new Map<MessageHash, TimestampMs>() }
  const times = new Map<MessageHash, number>()
  const accountInKeys = accountBytes(account)
  for (const { hash, expiryMs } of changes) {
    await writer.makeRoom()
    const order = Math.min(times.get(hash) ?? 0, ORDER_MAX)
    times.set(hash, order + 1)
    const id = { account: accountInKeys, hash: hashBytes(hash) }
    const operation = stamped(stamp, { kind: mode, expiryMs, order })
    const { outcome, changes: made } = settle(writer.batch, id, { operation }, circumstances)
    const change = made.find((each) => keyOf(each.id.hash) === keyOf(id.hash))
    const after = change?.after
    if (after === undefined || !isHeld(after)) continue
    // A later operation that arrived before this one may have had the last word.
    if (outcome === 'applied' && after.expiryMs === expiryMs) results.updated.set(hash, expiryMs)
    else if (isLive(after, circumstances.nowMs)) results.unchanged.set(hash, after.expiryMs)
  }
  // A hash named twice is reported once, as updated if either was.
  for (const hash of results.updated.keys()) results.unchanged.delete(hash)
  return { updated: sorted(results.updated), unchanged: sorted(results.unchanged) }
}

/**
 * Whether a change of expiry is worth nothing: those that are not carried out anyway, and plain ones to the expiry that is there
 * or barely later. Clients put off the end of what they keep at every poll; once in hours is enough for that. An earlier
 * end always counts.
 */
export function isPointless(mode: ExpireMode, held: Locator, wantedMs: TimestampMs, nowMs: TimestampMs): boolean {
  if (!moves(mode, held, wantedMs) || wantedMs === held.expiryMs) return true
  if (mode !== 'set' || wantedMs < held.expiryMs) return false
  const restMs = held.expiryMs - nowMs
  return restMs >= POSTPONED_REST_MIN_MS && wantedMs - held.expiryMs < restMs * POSTPONED_SHARE
}

export function sorted(expiries: ReadonlyMap<MessageHash, TimestampMs>): MessageExpiry[] {
  return [...expiries].map(([hash, expiryMs]) => ({ hash, expiryMs })).sort((a, b) => compareHashes(a.hash, b.hash))
}
