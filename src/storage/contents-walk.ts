// Walks over what is held: by buckets of time, by accounts, and over the accounts themselves. Each call looks at a bounded number of
// records, and says where the next goes on.
import { setImmediate } from 'node:timers/promises'
import { asBuffer } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { ACCOUNT_ID_SIZE, type AccountId } from '../protocol/account.ts'
import type { ContentsCursor, ContentsEntry, HeldItem } from '../protocol/contents.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { accountText, createArcTest } from './arc.ts'
import type { ItemPage, ListPage, ListQuery, PageQuery } from './contents.ts'
import { slotOfBytes } from './contents-cells.ts'
import { locatorOf, messageEntry, readMessage, readRequest, requestEntry, sizeOfItem } from './contents-reader.ts'
import type { Database } from './database.ts'
import { decodeExpiryEntry, expiryBucket } from './expiry-entry.ts'
import {
  ACCOUNT_ITSELF,
  ACCOUNT_KINDS,
  accountBytes,
  accountOfKey,
  afterAccount,
  expiryRangeIn,
  hashOfKey,
  type KeyRange,
  kindRange,
  locatorKey,
  nameOfRequestKey,
  numberOfExpiryKey,
  REQUEST_NAME_SIZE,
  requestKey,
} from './keys.ts'
import { decodeLocator } from './message-codec.ts'
import { isLive } from './message-records.ts'
import { idOfName, nameOfId, stampOfName } from './request-codec.ts'
import { requestExpiryMs } from './request-log.ts'

/** Records that one page looks at, and accounts that a walk passes before others have a turn. */
const LOOKED_AT_MAX = 2_048
const PER_TURN = 128
/** Names that one page of a list passes, whether they are asked for or not: as many as a slot has when all of them are asked for. */
const PASSED_MAX = 16 * LOOKED_AT_MAX
/** Expiry entries read at once; each names what one batch wrote. */
const ENTRIES_PAGE = 16

/** Names what expires in a bucket and still does. */
export async function listBucket(database: Database, query: ListQuery, nowMs: TimestampMs): Promise<ListPage> {
  const { arc, bucket, slots, after, countMax } = query
  const isCovered = createArcTest(arc)
  const isAsked = (account: Buffer) => slots.has(slotOfBytes(account)) && isCovered(account)
  const entries: ContentsEntry[] = []
  let looked = 0
  let passed = 0
  await using iterator = database.iterator(expiryRangeIn(bucket, after))
  for (let page = await iterator.nextv(ENTRIES_PAGE); page.length > 0; page = await iterator.nextv(ENTRIES_PAGE)) {
    for (const [key, record] of page) {
      const references = decodeExpiryEntry(record)
      passed += references.length
      for (const { account, hash } of references) {
        if (!isAsked(account)) continue
        entries.push(...entriesOf(database, account, hash, bucket, nowMs))
        if (++looked % PER_TURN === 0) await setImmediate()
      }
      const isEnough = entries.length >= countMax || looked >= LOOKED_AT_MAX || passed >= PASSED_MAX
      if (isEnough) return { entries, next: numberOfExpiryKey(key) }
    }
    await setImmediate()
  }
  return { entries, next: undefined }
}

function entriesOf(
  database: Database,
  account: Buffer,
  hash: Buffer,
  bucket: number,
  nowMs: TimestampMs,
): ContentsEntry[] {
  if (hash.equals(ACCOUNT_ITSELF)) return []
  const name = nameOfId(hash)
  const isRequest =
    name !== undefined &&
    expiryBucket(requestExpiryMs(stampOfName(name))) === bucket &&
    database.getSync(requestKey(account, name)) !== undefined
  if (isRequest) return [requestEntry(account, hash)]
  const locator = locatorOf(database, { account, hash })
  if (locator === undefined || !isLive(locator, nowMs) || expiryBucket(locator.expiryMs) !== bucket) return []
  return [messageEntry({ account, hash }, locator)]
}

const recordsIn = (database: Database, range: KeyRange, values: boolean) => database.iterator({ ...range, values })

/** A walk over the records of one kind, which knows the account that it stands at. */
class AccountWalk implements AsyncDisposable {
  readonly #iterator: ReturnType<typeof recordsIn>
  key: Buffer | undefined
  /** Of the key, if they are read. */
  record: Buffer | undefined

  constructor(database: Database, range: KeyRange, { values }: { values: boolean }) {
    this.#iterator = recordsIn(database, range, values)
  }

  get account(): Buffer | undefined {
    return this.key === undefined ? undefined : accountOfKey(this.key)
  }

  async next(): Promise<void> {
    const next = await this.#iterator.next()
    this.key = next?.[0]
    this.record = next?.[1]
  }

  /** Goes on at `key`, or behind it. */
  async seek(key: Buffer): Promise<void> {
    this.#iterator.seek(key)
    await this.next()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#iterator.close()
  }
}

/** What lives of accounts whose keys begin with certain bytes: account by account, its messages and then its requests. */
export async function walkItems(database: Database, query: PageQuery, nowMs: TimestampMs): Promise<ItemPage> {
  const page = new ItemPageBuilder(query)
  await using messages = new AccountWalk(database, kindRange('locator'), { values: true })
  await using requests = new AccountWalk(database, kindRange('requests'), { values: false })
  await goTo(messages, requests, page)
  for (let looked = 0; looked < LOOKED_AT_MAX; looked++) {
    if (looked % PER_TURN === PER_TURN - 1) await setImmediate()
    const walk = isFirst(messages, requests) ? messages : requests
    const { key, account } = walk
    if (key === undefined || account === undefined) return { items: page.items, next: undefined }
    const beyond = page.skipped(key)
    if (beyond !== undefined) {
      await walk.seek(beyond)
      continue
    }
    const found = walk === messages ? messageAt(database, walk, nowMs) : requestAt(database, key, nowMs)
    if (found !== undefined && !page.add(found)) return { items: page.items, next: page.cursor }
    const id = walk === messages ? hashOfKey(key) : idOfName(nameOfRequestKey(key))
    page.cursor = {
      account: accountText(account),
      kind: walk === messages ? 'message' : 'request',
      id: Buffer.from(id),
    }
    await walk.next()
  }
  return { items: page.items, next: page.cursor }
}

/** Of two, messages come before the requests of the same account. */
function isFirst(messages: AccountWalk, requests: AccountWalk): boolean {
  if (messages.account === undefined) return false
  return requests.account === undefined || Buffer.compare(messages.account, requests.account) <= 0
}

async function goTo(messages: AccountWalk, requests: AccountWalk, { cursor }: ItemPageBuilder): Promise<void> {
  if (cursor === undefined) {
    await Promise.all([messages.next(), requests.next()])
    return
  }
  const account = accountBytes(cursor.account)
  const id = asBuffer(cursor.id)
  const behind = Buffer.alloc(1)
  const messagesDone = cursor.kind === 'request'
  const locator = messagesDone
    ? afterAccount(locatorKey(account, id))
    : Buffer.concat([locatorKey(account, id), behind])
  const request = requestKey(account, messagesDone ? id : Buffer.alloc(REQUEST_NAME_SIZE))
  await messages.seek(locator)
  await requests.seek(messagesDone ? Buffer.concat([request, behind]) : request)
}

class ItemPageBuilder {
  readonly items: HeldItem[] = []
  cursor: ContentsCursor | undefined
  readonly #query: PageQuery
  readonly #isCovered: (account: Buffer) => boolean
  #size = 0

  constructor(query: PageQuery) {
    this.#query = query
    this.#isCovered = createArcTest(query.arc)
    this.cursor = query.after
  }

  /** Where to go on when the account of a key is not asked for. */
  skipped(key: Buffer): Buffer | undefined {
    const account = accountOfKey(key)
    const first = account[1] ?? 0
    if (first < this.#query.first) return Buffer.from([key[0] ?? 0, account[0] ?? 0, this.#query.first])
    if (first > this.#query.last) return afterPrefix(key)
    return this.#isCovered(account) ? undefined : afterAccount(key)
  }

  /** False when there is no room. */
  add(item: HeldItem): boolean {
    const size = sizeOfItem(item)
    if (this.items.length > 0 && this.#size + size > this.#query.sizeMax) return false
    this.items.push(item)
    this.#size += size
    return true
  }
}

/** Behind every account with the same network prefix. */
function afterPrefix(key: Buffer): Buffer {
  const after = Buffer.alloc(ACCOUNT_ID_SIZE + 2, 0xff)
  key.copy(after, 0, 0, 2)
  return after
}

function messageAt(
  database: Database,
  { key, record }: Pick<AccountWalk, 'key' | 'record'>,
  nowMs: TimestampMs,
): HeldItem | undefined {
  const locator = record && decodeLocator(record)
  if (key === undefined || locator === undefined || !isLive(locator, nowMs)) return undefined
  return readMessage(database, { account: accountOfKey(key), hash: hashOfKey(key) }, locator)
}

function requestAt(database: Database, key: Buffer, nowMs: TimestampMs): HeldItem | undefined {
  const name = nameOfRequestKey(key)
  if (name.length < REQUEST_NAME_SIZE || requestExpiryMs(stampOfName(name)) <= nowMs) return undefined
  return readRequest(database, accountOfKey(key), name)
}

/** Accounts that have anything here and lie in none of the arcs. */
export async function walkOutside(
  database: Database,
  arcs: readonly SwarmArc[],
  after: AccountId | undefined,
  countMax: number,
): Promise<AccountId[]> {
  const tests = arcs.map(createArcTest)
  const found: AccountId[] = []
  const from = after === undefined ? new Uint8Array() : Buffer.concat([accountBytes(after), Buffer.alloc(1)])
  await using walks = new AsyncDisposableStack()
  const kinds = ACCOUNT_KINDS.map((kind) => walks.use(new AccountWalk(database, kindRange(kind), { values: false })))
  for (const [index, kind] of ACCOUNT_KINDS.entries()) {
    const start = kindRange(kind, from).gte
    await kinds[index]?.seek(after === undefined ? start : afterAccount(start))
  }
  for (let looked = 1; found.length < countMax; looked++) {
    if (looked % PER_TURN === 0) await setImmediate()
    const accounts = kinds.flatMap(({ account }) => (account === undefined ? [] : [account]))
    const [first] = accounts.sort(Buffer.compare)
    if (first === undefined) return found
    if (!tests.some((isIn) => isIn(first))) found.push(accountText(first))
    const account = Buffer.from(first)
    for (const walk of kinds) {
      if (walk.key !== undefined && walk.account?.equals(account)) await walk.seek(afterAccount(walk.key))
    }
  }
  return found
}
