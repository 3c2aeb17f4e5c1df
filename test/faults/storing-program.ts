// Stores messages and tells of each that was acknowledged, or tells which are held: in a virtual machine whose power is cut, and on a disk
// that fails.   storing-program.ts <tell | flushed | unflushed> <folder> [messages]
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { createMetricsRegistry } from '../../src/base/metrics.ts'
import type { AccountId } from '../../src/protocol/account.ts'
import { hashMessage } from '../../src/protocol/message.ts'
import type { CreateDatabase } from '../../src/storage/database.ts'
import { openMessageStore } from '../../src/storage/level-message-store.ts'
import { createStorageMetrics } from '../../src/storage/metrics.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'
import { withoutFlushes } from './unflushed-database.ts'

const ACCOUNT = `05${'a1'.repeat(32)}` as AccountId
const AT_ONCE = 8
const LIFE_MS = 1_000_000_000

const [, , mode = '', path = '/data/messages', count = 'Infinity'] = process.argv
const createDatabase: { createDatabase?: CreateDatabase } =
  mode === 'unflushed' ? { createDatabase: withoutFlushes } : {}
const store = await openMessageStore(
  { log: silentLogger, clock: systemClock, metrics: createStorageMetrics(createMetricsRegistry()), ...createDatabase },
  { ...defaultStorageOptions, accountMessagesMax: 1e9, freeDiskMinBytes: 0, path },
)

function aMessage(name: string) {
  const data = Buffer.from(name.padEnd(700))
  const timestampMs = systemClock.nowMs()
  const message = { account: ACCOUNT, namespace: 0, data, timestampMs, expiryMs: timestampMs + LIFE_MS }
  return { ...message, hash: hashMessage(ACCOUNT, 0, data) }
}

async function storeMany(worker: number): Promise<void> {
  for (let number = 0; number < Number(count) / AT_ONCE; number++) {
    const name = `${systemClock.nowMs()}.${worker}.${number}`
    await store.store(aMessage(name))
    console.log(`acknowledged ${name}`)
  }
}

async function tellAll(): Promise<void> {
  for (let afterHash: ReturnType<typeof hashMessage> | undefined, more = true; more; ) {
    const page = await store.retrieve({
      ...{ account: ACCOUNT, namespace: 0, sizeMax: 1_000_000 },
      ...(afterHash !== undefined && { afterHash }),
    })
    for (const { data } of page.messages) console.log(`held ${Buffer.from(data).toString().trim()}`)
    afterHash = page.messages.at(-1)?.hash
    more = page.more
  }
  console.log('told all')
}

console.log('ready')
if (mode === 'tell') await tellAll()
else {
  const workers = Array.from({ length: AT_ONCE }, (_, worker) => storeMany(worker))
  for (const ended of await Promise.allSettled(workers)) {
    if (ended.status === 'rejected') console.log(`refused ${codeOf(ended.reason)}`)
  }
  console.log(store.health().writable ? 'writable' : 'not writable')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
