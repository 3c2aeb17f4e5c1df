import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { Database } from './database.ts'
import { StorageError } from './errors.ts'
import { accountBytes, bodyKeyOfRow, hashBytes, locatorKey, rowKey, rowRange, U48_MAX } from './keys.ts'
import { decodeLocator, decodeRow, isHeld, type Row } from './message-codec.ts'

export interface RetrieveQuery {
  account: AccountId
  namespace: Namespace
  /** Only what comes after this message; all, when it is unknown here or of another namespace. */
  afterHash?: MessageHash
  /** At least 1. */
  countMax?: number
  /** Bytes of the answer, as clients count them; one message is returned however large it is. */
  sizeMax: number
  /** Newest first; `afterHash` then leads to older messages. */
  reverse?: boolean
}

export interface Retrieved {
  messages: StoredMessage[]
  /** Whether a limit was reached before the last message. */
  more: boolean
}

type Snapshot = ReturnType<Database['snapshot']>

/** A row and where its body would be. */
interface FoundRow {
  row: Row
  key: Buffer
}

/** Rows fetched at once, at most. */
const PAGE_SIZE = 100
/** Memory for one page: rows are small, for long data lies apart. */
const PAGE_BYTES = 1024 * 1024

/** What a message counts against the size limit: its hash, its data as base64, and 100 for the rest. */
export function retrievalCost(dataBytes: number): number {
  return 100 + 43 + Math.floor((4 * dataBytes) / 3)
}

export async function retrieveMessages(
  database: Database,
  query: RetrieveQuery,
  nowMs: TimestampMs,
): Promise<Retrieved> {
  const account = accountBytes(query.account)
  await using snapshot = database.snapshot()
  const { found, more } = await findRows(database, snapshot, account, query, nowMs)
  return { messages: await withData(database, snapshot, query, found), more }
}

async function findRows(
  database: Database,
  snapshot: Snapshot,
  account: Buffer,
  query: RetrieveQuery,
  nowMs: TimestampMs,
): Promise<{ found: FoundRow[]; more: boolean }> {
  const found: FoundRow[] = []
  let size = 0
  const { countMax = Number.POSITIVE_INFINITY } = query
  // One row more than asked for tells whether there are more.
  const pageSize = Math.min(PAGE_SIZE, countMax + 1)
  await using iterator = database.iterator({
    ...rangeOf(database, snapshot, account, query),
    reverse: query.reverse ?? false,
    snapshot,
    highWaterMarkBytes: PAGE_BYTES,
  })
  for (let page = await iterator.nextv(pageSize); page.length > 0; page = await iterator.nextv(pageSize)) {
    for (const [key, record] of page) {
      const row = decodeRow(record)
      if (row.expiryMs <= nowMs) continue
      size += retrievalCost(row.dataBytes)
      const isBeyond = size > query.sizeMax || found.length >= countMax
      if (isBeyond && found.length > 0) return { found, more: true }
      found.push({ row, key })
    }
  }
  return { found, more: false }
}

/** The rows behind the cursor, in the direction asked for. */
function rangeOf(database: Database, snapshot: Snapshot, account: Buffer, query: RetrieveQuery) {
  const { namespace, reverse } = query
  const cursor = cursorOf(database, snapshot, account, query)
  if (cursor === undefined) return rowRange(account, namespace, 0, U48_MAX)
  return reverse
    ? rowRange(account, namespace, 0, cursor)
    : { gt: rowKey(account, { namespace, sequence: cursor }), lt: rowKey(account, { namespace, sequence: U48_MAX }) }
}

/** The place of `afterHash`. That of an expired message still counts while it is known: it saves sending all again. */
function cursorOf(
  database: Database,
  snapshot: Snapshot,
  account: Buffer,
  { afterHash, namespace }: RetrieveQuery,
): number | undefined {
  if (afterHash === undefined) return undefined
  const record = database.getSync(locatorKey(account, hashBytes(afterHash)), { snapshot })
  if (record === undefined) return undefined
  const locator = decodeLocator(record)
  return isHeld(locator) && locator.namespace === namespace ? locator.sequence : undefined
}

async function withData(
  database: Database,
  snapshot: Snapshot,
  { account, namespace }: RetrieveQuery,
  found: readonly FoundRow[],
): Promise<StoredMessage[]> {
  const apart = found.filter(({ row }) => row.data === undefined)
  const keys = apart.map(({ key }) => bodyKeyOfRow(key))
  const bodies = keys.length === 0 ? [] : await database.getMany(keys, { snapshot })
  let nextBody = 0
  return found.map(({ row }) => {
    const { hash, timestampMs, expiryMs, dataBytes } = row
    const data = row.data ?? bodies[nextBody++]
    if (data?.length !== dataBytes) throw new StorageError('RECORD_CORRUPT', 'A row has no body of its size')
    return { account, namespace, hash, timestampMs, expiryMs, data }
  })
}
