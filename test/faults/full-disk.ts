// node test/faults/full-disk.ts: fills a small file system under the store, and holds against it that it warns before, refuses stores alone and at once,
// reads and deletes on, takes stores again when there is space, and loses nothing when a write finds no space at all. Linux, as root.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { createMetricsRegistry } from '../../src/base/metrics.ts'
import type { AccountId } from '../../src/protocol/account.ts'
import { hashMessage, type MessageHash } from '../../src/protocol/message.ts'
import { openMessageStore } from '../../src/storage/level-message-store.ts'
import { createStorageMetrics } from '../../src/storage/metrics.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'
import { SKIPPED } from './skipped.ts'

const MIB = 1024 * 1024
const DISK_BYTES = 96 * MIB
const FILLER_BYTES = 32 * MIB
const RESERVE_BYTES = 24 * MIB
const DATA_BYTES = 16 * 1024
const LIFE_MS = 86_400_000
const RECOVERY_MAX_MS = 30_000
const REFUSALS = 2_000
/** What thousands of refusals may add to the memory of the process: none of it stays, but the collector takes its time. */
const GROWTH_MAX_BYTES = 48 * MIB
const ACCOUNT = `05${'a1'.repeat(32)}` as AccountId

let made = 0
const [, program = '', folder] = process.argv
if (folder === undefined) outside()
else await inside(folder)

/** Nobody but this program's child sees the file system, and it goes with it. */
function outside(): void {
  const path = mkdtempSync(join(tmpdir(), 'starling-full-disk-'))
  try {
    const mount = `mount -t tmpfs -o size=${DISK_BYTES} starling "$0" || exit ${SKIPPED}; exec "$@"`
    const args = ['--mount', 'sh', '-c', mount, path, process.execPath, program, path]
    const { status } = spawnSync('unshare', args, { stdio: 'inherit' })
    const isMissing = status === null || status === SKIPPED || process.getuid?.() !== 0
    if (isMissing) console.error('SKIPPED: it takes root, and a kernel that makes mount namespaces')
    process.exitCode = isMissing ? SKIPPED : status
  } finally {
    rmSync(path, { recursive: true })
  }
}

async function inside(disk: string): Promise<void> {
  const failures: string[] = []
  const require = (holds: boolean, promise: string) => {
    if (!holds) failures.push(promise)
  }
  const filler = join(disk, 'filler')
  writeFileSync(filler, Buffer.alloc(FILLER_BYTES))

  const acknowledged = new Set<MessageHash>()
  let [worstMs, recoveryMs] = [0, 0]
  {
    await using store = await open(disk, RESERVE_BYTES)
    let hasWarned = false
    while ((await storeOne(store, acknowledged)) === 'new') hasWarned ||= store.health().shortage !== undefined
    require(hasWarned, 'warn before it is full')
    require(store.health().writable, 'stay writable')
    const rssBytes = process.memoryUsage.rss()
    for (let count = 0; count < REFUSALS; count++) {
      const startMs = performance.now()
      require((await storeOne(store, acknowledged)) === 'full', 'refuse while it is full')
      worstMs = Math.max(worstMs, performance.now() - startMs)
    }
    require(process.memoryUsage.rss() - rssBytes < GROWTH_MAX_BYTES, 'need no memory for refusals')
    require((await heldIn(store)).size === acknowledged.size, 'read while it is full')
    const doomed = [...acknowledged].slice(0, 100)
    require((await store.delete(ACCOUNT, doomed)).length === doomed.length, 'delete while it is full')
    for (const hash of doomed) acknowledged.delete(hash)
    // What was deleted may have made room already.
    while ((await storeOne(store, acknowledged)) === 'new') {}
    rmSync(filler)
    const startMs = performance.now()
    while ((await storeOne(store, acknowledged)) === 'full' && recoveryMs < RECOVERY_MAX_MS) {
      await delay(20)
      recoveryMs = performance.now() - startMs
    }
    require(recoveryMs < RECOVERY_MAX_MS, 'store again without a restart')
  }

  // Without a reserve, a write finds no space some day.
  const room = join(disk, 'room')
  writeFileSync(room, Buffer.alloc(16 * MIB))
  {
    await using store = await open(disk, 0)
    const refusal = await untilRefused(store, acknowledged)
    require(refusal === 'WRITE_FAILED', `say that a write failed, and not ${refusal}`)
    require(!store.health().writable, 'not be writable after a failed write')
    require((await untilRefused(store, acknowledged)) === 'NOT_WRITABLE', 'acknowledge nothing after a failed write')
    require((await heldIn(store)).size >= acknowledged.size, 'read after a failed write')
  }
  // What an operator does: some space, and a new process.
  rmSync(room)
  {
    await using store = await open(disk, 0)
    const held = await heldIn(store)
    const lost = [...acknowledged].filter((hash) => !held.has(hash)).length
    require(lost === 0, `lose nothing that was acknowledged, and not ${lost}`)
    require((await storeOne(store, acknowledged)) === 'new', 'store after it was opened again')
  }
  for (const failure of new Set(failures)) console.error(`The store does not ${failure}`)
  console.log(
    `full disk: ${acknowledged.size} acknowledged, refusals within ${worstMs.toFixed(1)} ms, stores again after ${recoveryMs.toFixed(0)} ms, ${failures.length} broken promises`,
  )
  process.exitCode = failures.length === 0 ? 0 : 1
}

type Store = Awaited<ReturnType<typeof open>>

function open(disk: string, freeDiskMinBytes: number) {
  const metrics = createStorageMetrics(createMetricsRegistry())
  return openMessageStore(
    { log: silentLogger, clock: systemClock, metrics },
    {
      ...defaultStorageOptions,
      path: join(disk, 'messages'),
      totalBytesMax: 1024 * MIB,
      accountMessagesMax: 1e9,
      freeDiskMinBytes,
      freeDiskIntervalMs: 20,
      writeBufferBytes: 4 * MIB,
    },
  )
}

async function storeOne(store: Store, acknowledged: Set<MessageHash>): Promise<string> {
  const data = Buffer.alloc(DATA_BYTES, `message ${made++} `)
  const nowMs = systemClock.nowMs()
  const hash = hashMessage(ACCOUNT, 0, data)
  const message = { account: ACCOUNT, namespace: 0, data, hash, timestampMs: nowMs, expiryMs: nowMs + LIFE_MS }
  const { outcome } = await store.store(message)
  if (outcome === 'new') acknowledged.add(hash)
  return outcome
}

/** Stores until it is refused, and tells how. */
async function untilRefused(store: Store, acknowledged: Set<MessageHash>): Promise<string> {
  for (let count = 0; count < (2 * DISK_BYTES) / DATA_BYTES; count++) {
    try {
      await storeOne(store, acknowledged)
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    }
  }
  return 'nothing'
}

async function heldIn(store: Store): Promise<Set<MessageHash>> {
  const held = new Set<MessageHash>()
  for (let afterHash: MessageHash | undefined, more = true; more; ) {
    const query = { account: ACCOUNT, namespace: 0, sizeMax: MIB, ...(afterHash !== undefined && { afterHash }) }
    const page = await store.retrieve(query)
    for (const { hash } of page.messages) held.add(hash)
    afterHash = page.messages.at(-1)?.hash
    more = page.more
  }
  return held
}
