import { fromBase64 } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { verifySignature } from '../crypto/signature.ts'
import type { AccountId } from '../protocol/account.ts'
import { deleteResultSignedText } from '../protocol/client-api/delete.ts'
import { expireResultSignedText, type MessageExpiry } from '../protocol/client-api/expire.ts'
import { affectedHashesSignedText } from '../protocol/client-api/namespace-or-all.ts'
import { storeResultSignedText } from '../protocol/client-api/store.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json.ts'
import { compareHashes, type MessageHash, parseMessageHash } from '../protocol/message.ts'
import { serviceNodeKeyBytes } from '../protocol/service-node.ts'
import type { ReachableNode } from './reachable-node.ts'

// Every member signs what it did, so the one that was asked cannot speak for the others. Only members that the client
// knows of count: anybody can make up keys.

/** How many members of the swarm did it, and proved it by their signature. */
export interface Confirmations {
  readonly confirmations: number
  /** Members that the client knows of. */
  readonly members: number
}

export interface StoreReceipt extends Confirmations {
  readonly hash: MessageHash
  /** The latest that a member named, which no member signs; never later than nodes keep anything. */
  readonly expiryMs: TimestampMs
}

export interface DeleteReceipt extends Confirmations {
  /** What at least one member held and deleted. */
  readonly deleted: readonly MessageHash[]
}

export interface ExpireReceipt extends Confirmations {
  /** Messages whose expiry at least one member moved. */
  readonly updated: readonly MessageHash[]
  /** Messages that kept their expiry; only when it was to be extended or shortened. */
  readonly unchanged: readonly MessageExpiry[]
}

export function readStoreResults(
  answer: JsonValue,
  swarm: readonly ReachableNode[],
  hash: MessageHash,
  { expiryMs, latestMs }: { readonly expiryMs: TimestampMs; readonly latestMs: TimestampMs },
): StoreReceipt {
  const confirmed = confirmedResults(answer, swarm, (result) =>
    result['hash'] === hash ? { signed: storeResultSignedText(hash), value: result['expiry'] } : undefined,
  )
  const expiries = confirmed.flatMap((value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value <= latestMs ? [value] : [],
  )
  return { hash, expiryMs: Math.max(expiryMs, ...expiries), ...counted(confirmed, swarm) }
}

export function readDeleteResults(
  answer: JsonValue,
  swarm: readonly ReachableNode[],
  account: AccountId,
  requested: readonly MessageHash[],
): DeleteReceipt {
  const confirmed = confirmedResults(answer, swarm, (result) => {
    const deleted = hashesIn(result['deleted'])
    return deleted && { signed: deleteResultSignedText(account, requested, deleted), value: deleted }
  })
  return { deleted: union(confirmed), ...counted(confirmed, swarm) }
}

export function readDeleteAllResults(
  answer: JsonValue,
  swarm: readonly ReachableNode[],
  account: AccountId,
  timestampMs: TimestampMs,
): DeleteReceipt {
  const confirmed = confirmedResults(answer, swarm, (result) => {
    const deleted = allHashesIn(result['deleted'])
    return deleted && { signed: affectedHashesSignedText(account, timestampMs, deleted), value: deleted }
  })
  return { deleted: union(confirmed), ...counted(confirmed, swarm) }
}

export function readExpireResults(
  answer: JsonValue,
  swarm: readonly ReachableNode[],
  account: AccountId,
  requested: readonly MessageHash[],
): ExpireReceipt {
  const confirmed = confirmedResults(answer, swarm, (result) => {
    const { expiry } = result
    const updated = hashesIn(result['updated'])
    const unchanged = expiriesIn(result['unchanged'])
    if (typeof expiry !== 'number' || updated === undefined || unchanged === undefined) return undefined
    const signed = expireResultSignedText(account, [expiry], requested, updated, unchanged)
    return { signed, value: { updated, unchanged } }
  })
  const updated = union(confirmed.map((result) => result.updated))
  const unchanged = new Map(confirmed.flatMap((result) => result.unchanged).map((each) => [each.hash, each]))
  return { updated, unchanged: [...unchanged.values()], ...counted(confirmed, swarm) }
}

/** Hashes and their expiries from an object, sorted by hash. Undefined when it is not such an object. */
export function expiriesIn(value: JsonValue | undefined): readonly MessageExpiry[] | undefined {
  if (value === undefined) return []
  if (!isJsonObject(value)) return undefined
  const expiries = Object.entries(value).flatMap(([text, expiryMs]) => {
    const hash = parseMessageHash(text)
    return hash !== undefined && typeof expiryMs === 'number' ? [{ hash, expiryMs }] : []
  })
  return expiries.sort((a, b) => compareHashes(a.hash, b.hash))
}

/** What each member says that signed for it. `read` gives the text it must have signed, undefined for a bad result. */
function confirmedResults<T>(
  answer: JsonValue,
  swarm: readonly ReachableNode[],
  read: (result: JsonObject) => { signed: Uint8Array; value: T } | undefined,
): readonly T[] {
  const results = isJsonObject(answer) ? answer['swarm'] : undefined
  if (!isJsonObject(results)) return []
  return swarm.flatMap(({ key }) => {
    const result = results[key]
    if (!isJsonObject(result) || result['failed'] === true) return []
    const claim = read(result)
    const signature = typeof result['signature'] === 'string' ? fromBase64(result['signature']) : undefined
    if (claim === undefined || signature === undefined) return []
    return verifySignature(signature, claim.signed, serviceNodeKeyBytes(key)) ? [claim.value] : []
  })
}

function counted(confirmed: readonly unknown[], swarm: readonly ReachableNode[]): Confirmations {
  return { confirmations: confirmed.length, members: swarm.length }
}

function hashesIn(value: JsonValue | undefined): readonly MessageHash[] | undefined {
  if (!Array.isArray(value)) return undefined
  const hashes = value.flatMap((text) => (typeof text === 'string' ? (parseMessageHash(text) ?? []) : []))
  return hashes.length === value.length ? hashes.sort(compareHashes) : undefined
}

/** A list, or an object with a list for each namespace. */
function allHashesIn(value: JsonValue | undefined): readonly MessageHash[] | undefined {
  if (!isJsonObject(value)) return hashesIn(value)
  const lists = Object.values(value).map(hashesIn)
  return lists.includes(undefined) ? undefined : union(lists.map((list) => list ?? []))
}

function union(lists: readonly (readonly MessageHash[])[]): readonly MessageHash[] {
  return [...new Set(lists.flat())].sort(compareHashes)
}
