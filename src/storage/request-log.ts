// Clients' requests that ended or shortened lives or took an outbox, kept as long as another member may need them: whoever has missed one gets it
// from those who have not, and sees by its signature that the owner asked for it (docs/storage.md).
import type { TimestampMs } from '../base/clock.ts'
import { FORWARDED_REQUEST_MAX_BYTES, TTL_MAX_MS } from '../protocol/limits.ts'
import type { StoredMessage } from '../protocol/message.ts'
import { type OperationOrigin, type OperationStamp, stampMs } from '../protocol/operation-stamp.ts'
import type { Circumstances } from './circumstances.ts'
import type { Database } from './database.ts'
import { expiryBucket } from './expiry-entry.ts'
import { nameOfRequestKey, requestKey, requestLogKey, requestRange, U48_MAX } from './keys.ts'
import { totalBytes } from './quota.ts'
import {
  decodeRequest,
  decodeRequestLog,
  EMPTY_REQUEST_LOG,
  encodeRequest,
  encodeRequestLog,
  idOfName,
  type RequestLog,
  type RequestSubject,
  requestName,
  type Supersedable,
  stampOfName,
  subjectOfOutbox,
} from './request-codec.ts'
import type { WriteBatch } from './write-batch.ts'

/** Of one account. The same everywhere, since members with the same requests have to keep the same of them. */
export const REQUESTS_MAX = 1_000
export const REQUEST_BYTES_MAX = 1024 * 1024
/** Requests of which it is known what would supersede them; of more, the oldest just stay. */
const SUPERSEDABLE_MAX = 64
/** Oldest requests looked at when there are too many: one that comes is seldom larger than so many others. */
const OLDEST_PAGE = 16

/** Until nothing lives any more that it could concern. */
export function requestExpiryMs(stamp: OperationStamp): TimestampMs {
  return Math.min(stampMs(stamp) + TTL_MAX_MS, U48_MAX)
}

export function requestLogOf(batch: Pick<WriteBatch, 'get'>, account: Buffer): RequestLog {
  const record = batch.get(requestLogKey(account))
  return record === undefined ? EMPTY_REQUEST_LOG : decodeRequestLog(record)
}

/** Keeps a request in the batch that has its effect, or the last of it; one that is there, or superseded, changes nothing. */
export async function logRequest(
  database: Database,
  batch: WriteBatch,
  account: Buffer,
  { stamp, request }: OperationOrigin,
  { subject, circumstances }: { subject?: RequestSubject; circumstances: Circumstances },
): Promise<void> {
  if (request === undefined || requestExpiryMs(stamp) <= circumstances.nowMs) return
  const name = requestName(stamp, request)
  if (batch.get(requestKey(account, name)) !== undefined) return
  const { supersedable } = requestLogOf(batch, account)
  const logged = subject === undefined ? undefined : { name, subject }
  if (logged !== undefined && supersedable.some((each) => supersedes(each, logged))) return
  if (circumstances.diskIsFull || totalBytes(batch.totals) >= circumstances.quota.totalBytesMax) {
    return circumstances.onForgotten()
  }
  if (logged !== undefined) {
    for (const each of supersedable) if (supersedes(logged, each)) removeRequest(batch, account, each.name)
  }
  insert(batch, account, name, request, logged)
  await removeOldest(database, batch, account, circumstances)
}

/** Whether the owner's request is here that stored this message in a public outbox. */
export function isStoreLogged(
  batch: Pick<WriteBatch, 'get'>,
  account: Buffer,
  message: Pick<StoredMessage, 'namespace' | 'hash'>,
): boolean {
  const { namespace, hashes } = subjectOfOutbox(message)
  return requestLogOf(batch, account).supersedable.some(
    ({ subject }) => subject.kind === 'outbox' && subject.namespace === namespace && subject.hashes.equals(hashes),
  )
}

/** Whether it was there. */
export function removeRequest(batch: WriteBatch, account: Buffer, name: Buffer): boolean {
  const key = requestKey(account, name)
  const record = batch.get(key)
  if (record === undefined) return false
  const log = requestLogOf(batch, account)
  batch.delete(key)
  const supersedable = log.supersedable.filter((each) => !each.name.equals(name))
  count(batch, account, { ...log, supersedable }, { requests: -1, bytes: -decodeRequest(record).length })
  batch.noteItem(-1, { kind: 'request', account, id: idOfName(name), expiryMs: requestExpiryMs(stampOfName(name)) })
  return true
}

/** Whether a request that is not in the log was pushed out of it, or would be. */
export function isBelowLog({ requests, bytes }: RequestLog, oldest: Buffer | undefined, name: Buffer): boolean {
  const isFull = requests >= REQUESTS_MAX || bytes > REQUEST_BYTES_MAX - FORWARDED_REQUEST_MAX_BYTES
  return isFull && oldest !== undefined && Buffer.compare(name, oldest) < 0
}

function insert(
  batch: WriteBatch,
  account: Buffer,
  name: Buffer,
  request: Uint8Array,
  logged: Supersedable | undefined,
): void {
  const log = requestLogOf(batch, account)
  const supersedable = logged === undefined ? log.supersedable : [...log.supersedable, logged]
  const newest = supersedable.toSorted((a, b) => Buffer.compare(a.name, b.name)).slice(-SUPERSEDABLE_MAX)
  const expiryMs = requestExpiryMs(stampOfName(name))
  const id = idOfName(name)
  batch.put(requestKey(account, name), encodeRequest(request))
  batch.indexExpiry(expiryBucket(expiryMs), { account, hash: id })
  count(batch, account, { ...log, supersedable: newest }, { requests: 1, bytes: request.length })
  batch.noteItem(1, { kind: 'request', account, id, expiryMs })
}

function count(batch: WriteBatch, account: Buffer, log: RequestLog, by: { requests: number; bytes: number }): void {
  const requests = log.requests + by.requests
  const key = requestLogKey(account)
  if (requests === 0) batch.delete(key)
  else batch.put(key, encodeRequestLog({ ...log, requests, bytes: log.bytes + by.bytes }))
  batch.totals.requests += by.requests
  batch.totals.requestBytes += by.bytes
}

/** The oldest of those that are written; what the batch itself has put there can wait for the next. */
async function removeOldest(
  database: Database,
  batch: WriteBatch,
  account: Buffer,
  { onForgotten }: Circumstances,
): Promise<void> {
  if (!isTooMuch(requestLogOf(batch, account))) return
  await using iterator = database.keys(requestRange(account))
  for (let page = await iterator.nextv(OLDEST_PAGE); page.length > 0; page = await iterator.nextv(OLDEST_PAGE)) {
    for (const key of page) {
      if (!isTooMuch(requestLogOf(batch, account))) return
      if (removeRequest(batch, account, nameOfRequestKey(key))) onForgotten()
    }
  }
}

function isTooMuch({ requests, bytes }: RequestLog): boolean {
  return requests > REQUESTS_MAX || bytes > REQUEST_BYTES_MAX
}

/** Whether what a request did makes no difference any more after a later one. */
function supersedes(later: Supersedable, earlier: Supersedable): boolean {
  if (Buffer.compare(later.name, earlier.name) <= 0) return false
  const [by, subject] = [later.subject, earlier.subject]
  switch (by.kind) {
    case 'set':
      // What had ended between the two stays ended only by the earlier one.
      return (
        subject.kind === 'set' && by.hashes.equals(subject.hashes) && subject.untilMs > stampMs(stampOfName(later.name))
      )
    case 'delete-range':
      if (subject.kind !== 'delete-range') return false
      return (by.namespace === 'all' || by.namespace === subject.namespace) && by.beforeMs >= subject.beforeMs
    case 'outbox':
      // A newer message takes the outbox from an older one; but the same may have been stored again, and then it matters what was between.
      return false
  }
}
