// Started by durability.test.ts as a process of its own, to be killed or to run out of space. Stores and deletes under load
// in the folder it is given and tells its parent of everything that was acknowledged.
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { MessageHash } from '../../../src/protocol/message.ts'
import { openMessageStore } from '../../../src/storage/level-message-store.ts'
import { createStorageMetrics } from '../../../src/storage/metrics.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import { ALICE, aMessage } from './store-fixture.ts'

/** What the worker tells its parent. */
export type WorkerReport =
  | { kind: 'stored'; hash: MessageHash }
  /** From here on the message may be there or not. */
  | { kind: 'deleting'; hash: MessageHash }
  | { kind: 'deleted'; hash: MessageHash }
  | { kind: 'failed'; codes: string[]; writable: boolean; readable: number }

const STORES_AT_ONCE = 16
const [, , path = '', run = ''] = process.argv

const report = (message: WorkerReport) => process.send?.(message)
const store = await openMessageStore(
  { log: silentLogger, clock: systemClock, metrics: createStorageMetrics(createMetricsRegistry()) },
  { ...defaultStorageOptions, accountMessagesMax: 1e9, accountBytesMax: 1e12, authenticatedReserve: 0, path },
)
const codes: string[] = []
let stored = 0

async function storeUntilFailure(worker: number): Promise<void> {
  for (let number = 0; ; number++) {
    const data = Buffer.from(`${run}/${worker}/${number}`.padEnd(number % 7 === 0 ? 6_000 : 700))
    const message = aMessage({ data, expiryMs: systemClock.nowMs() + 1e9 })
    await store.store(message)
    stored++
    report({ kind: 'stored', hash: message.hash })
    if (number % 5 !== 0) continue
    report({ kind: 'deleting', hash: message.hash })
    await store.delete(ALICE, [message.hash])
    report({ kind: 'deleted', hash: message.hash })
  }
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error))
const workers = Array.from({ length: STORES_AT_ONCE }, (_, worker) =>
  storeUntilFailure(worker).catch((error: unknown) => void codes.push(codeOf(error))),
)
await Promise.all(workers)
await store.store(aMessage()).catch((error: unknown) => void codes.push(codeOf(error)))
const { messages } = await store.retrieve({ account: ALICE, namespace: 0, sizeMax: 1e6 })
report({ kind: 'failed', codes, writable: store.health().writable, readable: stored === 0 ? 0 : messages.length })
process.disconnect()
