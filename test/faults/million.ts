// node test/faults/million.ts [messages]: fills a database, and holds against the store that it opens it in time, sums it up without holding others up,
// backs it up and sweeps all of it while stores go on. Last comes what was measured. The database lies in the folder of MILLION_FOLDER, or a temporary one.
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { createMetricsRegistry } from '../../src/base/metrics.ts'
import type { AccountId } from '../../src/protocol/account.ts'
import { hashMessage } from '../../src/protocol/message.ts'
import { openMessageStore } from '../../src/storage/level-message-store.ts'
import { createStorageMetrics } from '../../src/storage/metrics.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'

const DATA_BYTES = 1024
/** A message with its keys and records. */
const ON_DISK_BYTES = 1400
const MESSAGES_OF_ACCOUNT = 10
const AT_ONCE = 512
/** All of them end within so long, which is five sweeps' worth at once. */
const LIFE_MS = 3_600_000
const SPREAD_MS = 3_000_000
/** Behind the end of all, and the minutes that data is kept on after it. */
const JUMP_MS = 3 * 3_600_000
const STORE_EVERY_MS = 5
const IDLE_MS = 10_000
const SPACE_MAX_MS = 120_000
const GOALS = { openMs: 5_000, p99Ratio: 2, spaceShare: 0.1 }
const EVERYTHING = { first: 0n, last: 2n ** 64n - 1n }
const MIB = 1024 * 1024

const [, program = '', count = '1000000', folder] = process.argv
const messages = Number(count)
let made = 0
if (folder === undefined) fillAndMeasure()
else if (process.env['MILLION_STEP'] === 'fill') await fill(folder)
else await measure(folder)

/** A process each, so that what filling left in memory is not counted. */
function fillAndMeasure(): void {
  const path = mkdtempSync(join(process.env['MILLION_FOLDER'] ?? tmpdir(), 'starling-million-'))
  try {
    for (const MILLION_STEP of ['fill', 'measure']) {
      const env = { ...process.env, MILLION_STEP }
      const { status } = spawnSync(process.execPath, [program, count, path], { stdio: 'inherit', env })
      process.exitCode = status ?? 1
      if (status !== 0) return
    }
  } finally {
    rmSync(path, { recursive: true })
  }
}

function open(path: string, clock: Clock) {
  const metrics = createStorageMetrics(createMetricsRegistry())
  const options = { ...defaultStorageOptions, totalBytesMax: 64 * 1024 * MIB, freeDiskMinBytes: 0, path }
  // Swept when this program says so.
  return openMessageStore({ log: silentLogger, clock, metrics }, { ...options, sweepIntervalMs: 86_400_000 })
}

type Store = Awaited<ReturnType<typeof open>>

async function fill(path: string): Promise<void> {
  await using store = await open(join(path, 'messages'), systemClock)
  const startMs = performance.now()
  const nowMs = systemClock.nowMs()
  const worker = async () => {
    while (made < messages) {
      const number = made++
      await storeOne(store, accountOf(Math.floor(number / MESSAGES_OF_ACCOUNT)), nowMs + LIFE_MS - (number % SPREAD_MS))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  console.log(`filled with ${store.statistics().messages} messages at ${perSecond(messages, startMs)}/s`)
}

async function measure(path: string): Promise<void> {
  let aheadMs = 0
  const clock: Clock = {
    nowMs: () => systemClock.nowMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
  }
  const openingMs = performance.now()
  await using store = await open(join(path, 'messages'), clock)
  const openMs = performance.now() - openingMs
  const openRss = process.memoryUsage.rss()

  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const summingMs = performance.now()
  store.contents.cover(EVERYTHING)
  while (store.contents.sums() === undefined) await delay(20)
  const sumsMs = performance.now() - summingMs
  delays.disable()
  const loopP99Ms = delays.percentile(99) / 1e6
  const summedRss = process.memoryUsage.rss()

  const idleEndMs = performance.now() + IDLE_MS
  const idleP99Ms = await p99OfStores(store, clock, () => performance.now() > idleEndMs)
  const backingUpMs = performance.now()
  let backupMs = 0
  const origin = { network: '00'.repeat(32), node: '00'.repeat(32), starling: '0' }
  const run = { signal: new AbortController().signal }
  const backup = store.backUp({ folder: join(path, 'backup'), origin }, run).then(() => {
    backupMs = performance.now() - backingUpMs
  })
  const backupP99Ms = await p99OfStores(store, clock, () => backupMs > 0)
  await backup
  rmSync(join(path, 'backup'), { recursive: true })

  const fullBytes = sizeOf(path)
  aheadMs = JUMP_MS
  const sweepingMs = performance.now()
  let sweepMs = 0
  let swept = 0
  const sweeping = store.sweepNow().then((removed) => {
    swept = removed
    sweepMs = performance.now() - sweepingMs
  })
  const sweepP99Ms = await p99OfStores(store, clock, () => sweepMs > 0)
  await sweeping
  // What was stored meanwhile takes its own, and LevelDB up to two write buffers for its logs.
  const takenBytes = store.statistics().messages * ON_DISK_BYTES + 2 * defaultStorageOptions.writeBufferBytes
  const left = () => Math.max(0, sizeOf(path) - takenBytes) / fullBytes
  const spaceMs = performance.now()
  while (left() > GOALS.spaceShare && performance.now() - spaceMs < SPACE_MAX_MS) await delay(500)
  const leftShare = left()

  const failures = [
    openMs > GOALS.openMs && `opening takes ${openMs.toFixed(0)} ms`,
    backupP99Ms > GOALS.p99Ratio * idleP99Ms && 'the backup holds stores up',
    sweepP99Ms > GOALS.p99Ratio * idleP99Ms && 'the sweep holds stores up',
    swept !== messages && `${swept} were swept`,
    leftShare > GOALS.spaceShare && `${Math.round(leftShare * 100)} % of the disk's space stay taken`,
  ].filter((failure) => failure !== false)
  for (const failure of failures) console.error(`Failed: ${failure}`)
  console.log(
    `${messages} messages: open ${openMs.toFixed(0)} ms, RSS ${mib(openRss)} MiB; sums ${sumsMs.toFixed(0)} ms, loop delay p99 ${loopP99Ms.toFixed(1)} ms, RSS ${mib(summedRss)} MiB; ` +
      `stores idle p99 ${idleP99Ms.toFixed(1)} ms; backup ${(backupMs / 1000).toFixed(1)} s, stores p99 ${backupP99Ms.toFixed(1)} ms, ratio ${(backupP99Ms / idleP99Ms).toFixed(2)}; ` +
      `sweep ${(sweepMs / 1000).toFixed(1)} s, stores p99 ${sweepP99Ms.toFixed(1)} ms, ratio ${(sweepP99Ms / idleP99Ms).toFixed(2)}; disk ${mib(fullBytes)} MiB, ${Math.round(leftShare * 100)} % left`,
  )
  process.exitCode = failures.length === 0 ? 0 : 1
}

/** Begins stores at a steady rate, whether others have ended or not, and tells the 99th percentile of how long they took. */
async function p99OfStores(store: Store, clock: Clock, isOver: () => boolean): Promise<number> {
  const took: number[] = []
  const under: Promise<void>[] = []
  const beginning = performance.now()
  const begin = async (turn: number) => {
    const startMs = performance.now()
    await storeOne(store, accountOf(-1 - (turn % 100)), clock.nowMs() + 10 * LIFE_MS)
    took.push(performance.now() - startMs)
  }
  while (!isOver()) {
    const due = Math.floor((performance.now() - beginning) / STORE_EVERY_MS) + 1
    while (under.length < due) under.push(begin(under.length))
    await delay(STORE_EVERY_MS)
  }
  await Promise.all(under)
  took.sort((a, b) => a - b)
  return took[Math.floor(took.length * 0.99)] ?? Number.NaN
}

async function storeOne(store: Store, account: AccountId, expiryMs: number): Promise<void> {
  const data = randomBytes(DATA_BYTES)
  const hash = hashMessage(account, 0, data)
  const { outcome } = await store.store({
    account,
    namespace: 0,
    data,
    hash,
    timestampMs: expiryMs - LIFE_MS,
    expiryMs,
  })
  if (outcome !== 'new') throw new Error(`A store came to ${outcome}`)
}

/** Accounts lie all over the space, as keys do. */
function accountOf(number: number): AccountId {
  return `05${createHash('sha256').update(String(number)).digest('hex')}` as AccountId
}

function sizeOf(path: string): number {
  const files = readdirSync(join(path, 'messages')).map((name) => join(path, 'messages', name))
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0)
}

function perSecond(what: number, sinceMs: number): string {
  return ((what * 1000) / (performance.now() - sinceMs)).toFixed(0)
}
