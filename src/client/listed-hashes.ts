import type { MessageExpiry } from '../protocol/client-api/expire.ts'
import { isJsonObject, isWhole, type JsonValue } from '../protocol/json.ts'
import { compareHashes, type MessageHash, parseMessageHash } from '../protocol/message.ts'

// How answers list messages. Undefined when they are not of that shape.

/** Sorted, as nodes sign them. */
export function hashesIn(value: JsonValue | undefined): readonly MessageHash[] | undefined {
  if (!Array.isArray(value)) return undefined
  const hashes = value.flatMap((text) => (typeof text === 'string' ? (parseMessageHash(text) ?? []) : []))
  return hashes.length === value.length ? hashes.sort(compareHashes) : undefined
}

/** From a list, or from an object with a list for each namespace. */
export function allHashesIn(value: JsonValue | undefined): readonly MessageHash[] | undefined {
  if (!isJsonObject(value)) return hashesIn(value)
  const lists = Object.values(value).map(hashesIn)
  return lists.includes(undefined) ? undefined : union(lists.map((list) => list ?? []))
}

/** Hashes and their expiries from an object, sorted by hash; none when it is absent. */
export function expiriesIn(value: JsonValue | undefined): readonly MessageExpiry[] | undefined {
  if (value === undefined) return []
  if (!isJsonObject(value)) return undefined
  const entries = Object.entries(value)
  const expiries = entries.flatMap(([text, expiryMs]) => {
    const hash = parseMessageHash(text)
    return hash !== undefined && isWhole(expiryMs) ? [{ hash, expiryMs }] : []
  })
  return expiries.length === entries.length ? expiries.sort((a, b) => compareHashes(a.hash, b.hash)) : undefined
}

export function union(lists: readonly (readonly MessageHash[])[]): readonly MessageHash[] {
  return [...new Set(lists.flat())].sort(compareHashes)
}
