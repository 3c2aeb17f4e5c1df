// Storing and retrieving through the message store against LevelDB alone with the same bytes and the same flushes.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY, systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { createMetricsRegistry } from '../src/base/metrics.ts'
import type { AccountId } from '../src/protocol/account.ts'
import type { MessageHash } from '../src/protocol/message.ts'
import { EMPTY_TOTALS, EMPTY_USAGE, encodeTotals, encodeUsage } from '../src/storage/counters-codec.ts'
import { type Database, openDatabase } from '../src/storage/database.ts'
import { encodeExpiryEntry, expiryBucket } from '../src/storage/expiry-entry.ts'
import { GroupCommit } from '../src/storage/group-commit.ts'
import * as keys from '../src/storage/keys.ts'
import { openMessageStore } from '../src/storage/level-message-store.ts'
import { encodeLocator, encodeRow } from '../src/storage/message-codec.ts'
import { createStorageMetrics } from '../src/storage/metrics.ts'
import { defaultStorageOptions } from '../src/storage/options.ts'
import { type Benchmark, compare, type Ratio } from './ratio.ts'

/** Stores that are under way at once, and so share a flush. */
const AT_ONCE = 128
const DATA = randomBytes(1_024)
const ACCOUNTS = Array.from({ length: 1_000 }, () => `05${randomBytes(32).toString('hex')}` as AccountId)
const PAGE = 30

const components = () => ({
  log: silentLogger,
  clock: systemClock,
  metrics: createStorageMetrics(createMetricsRegistry()),
})
const optionsAt = (path: string) => ({ ...defaultStorageOptions, accountMessagesMax: 1e9, accountBytesMax: 1e12, path })

export const benchmark: Benchmark = {
  name: 'storage',
  async run() {
    const folder = await mkdtemp(join(tmpdir(), 'starling-bench-'))
    try {
      return [
        await storing(join(folder, 'store'), join(folder, 'bare')),
        await committing(join(folder, 'commits'), join(folder, 'bare-again')),
        await retrieving(join(folder, 'store')),
      ]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function storing(path: string, barePath: string): Promise<Ratio> {
  await using store = await openMessageStore(components(), optionsAt(path))
  await using bare = await openDatabase(optionsAt(barePath))
  const rates = await compare(
    () => Promise.all(Array.from({ length: AT_ONCE }, () => store.store(nextMessage()))),
    () => writeBare(bare, nextRecords()),
  )
  return perMessage('store 1 KiB, flushed', 'bare LevelDB batches of the same records', rates, 0.6)
}

/** What group commit costs when the records are given: neither codec nor quota nor look-up. */
async function committing(path: string, barePath: string): Promise<Ratio> {
  await using database = await openDatabase(optionsAt(path))
  await using commits = new GroupCommit({ database, ...components() }, optionsAt(path), EMPTY_TOTALS)
  await using bare = await openDatabase(optionsAt(barePath))
  const rates = await compare(
    () => {
      const { messages, shared } = nextRecords()
      return Promise.all(
        messages.map((records, index) => commit(commits, index === 0 ? [...records, ...shared] : records)),
      )
    },
    () => writeBare(bare, nextRecords()),
  )
  return perMessage('group commit of given records', 'bare LevelDB batches of the same records', rates, 0.8)
}

async function retrieving(path: string): Promise<Ratio> {
  const account = ACCOUNTS[0] ?? ('' as AccountId)
  const range = keys.rowRange(keys.accountBytes(account), 0, 0, keys.U48_MAX)
  const reading = async (read: () => Promise<unknown>) => {
    const startMs = performance.now()
    for (let count = 0; count < 2_000; count++) await read()
    return 2_000_000 / (performance.now() - startMs)
  }
  const ours = async () => {
    await using store = await openMessageStore(components(), optionsAt(path))
    return await reading(() => store.retrieve({ account, namespace: 0, countMax: PAGE, sizeMax: 1e6 }))
  }
  const limit = async () => {
    await using bare = await openDatabase(optionsAt(path))
    return await reading(() => bare.iterator({ ...range, limit: PAGE + 1, highWaterMarkBytes: 1 << 20 }).all())
  }
  // One process may open the folder once at a time, so the two take turns.
  const rates = { ours: [await ours()], limit: [await limit()] }
  for (let round = 0; round < 2; round++) {
    rates.ours.push(await ours())
    rates.limit.push(await limit())
  }
  const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[1] ?? 0
  return {
    name: `retrieve ${PAGE} messages of 1 KiB`,
    ours: middle(rates.ours),
    limitName: 'a bare LevelDB range',
    limit: middle(rates.limit),
    goal: 0.7,
  }
}

function perMessage(name: string, limitName: string, rates: { ours: number; limit: number }, goal: number): Ratio {
  return { name, ours: rates.ours * AT_ONCE, limitName, limit: rates.limit * AT_ONCE, goal }
}

let made = 0

function nextMessage() {
  const nowMs = Date.now()
  return {
    account: ACCOUNTS[made++ % ACCOUNTS.length] ?? ('' as AccountId),
    namespace: 0,
    hash: randomBytes(32).toString('base64').slice(0, 43) as MessageHash,
    timestampMs: nowMs,
    expiryMs: nowMs + 14 * DAY,
    data: DATA,
  }
}

type Records = [Buffer, Buffer][]

/** The records that the store would write for as many messages, with their expiry entry and the totals. */
function nextRecords(): { messages: Records[]; shared: Records } {
  const references: { account: Buffer; hash: Buffer }[] = []
  const messages = Array.from({ length: AT_ONCE }, (): Records => {
    const message = nextMessage()
    const account = keys.accountBytes(message.account)
    const hash = keys.hashBytes(message.hash)
    const locator = { ...message, sequence: made, dataBytes: DATA.length, placement: 'inside', stamp: made } as const
    references.push({ account, hash })
    return [
      [keys.rowKey(account, locator), encodeRow({ ...message, hash })],
      [keys.locatorKey(account, hash), encodeLocator(locator)],
      [keys.usageKey(account), encodeUsage({ ...EMPTY_USAGE, messages: made, dataBytes: made })],
    ]
  })
  const entryKey = keys.expiryKey(expiryBucket(Date.now() + 14 * DAY), made)
  return {
    messages,
    shared: [
      [entryKey, encodeExpiryEntry(references)],
      [keys.TOTALS_KEY, encodeTotals({ ...EMPTY_TOTALS, nextSequence: made, messages: made, dataBytes: made })],
    ],
  }
}

function writeBare(database: Database, { messages, shared }: { messages: Records[]; shared: Records }): Promise<void> {
  const batch = database.batch()
  for (const [key, value] of [...messages.flat(), ...shared]) batch.put(key, value)
  return batch.write({ sync: true })
}

function commit(commits: GroupCommit, records: Records): Promise<void> {
  return commits.submit({
    sizeBytes: DATA.length,
    scans: false,
    run: ({ batch }) => {
      for (const [key, value] of records) batch.put(key, value)
    },
  })
}
