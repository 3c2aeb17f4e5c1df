// Acknowledged means kept: a process that stores under load is killed, or its disk refuses to grow a file any further.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { MessageHash } from '../../../src/protocol/message.ts'
import { openMessageStore } from '../../../src/storage/level-message-store.ts'
import { createStorageMetrics } from '../../../src/storage/metrics.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import { ALICE, aMessage, makeFolder } from './store-fixture.ts'
import type { WorkerReport } from './storing-worker.ts'

const WORKER = join(import.meta.dirname, 'storing-worker.ts')
const ROUNDS = 20

/** What the store has promised so far. */
interface Promises {
  stored: Set<MessageHash>
  deleted: Set<MessageHash>
}

function note({ stored, deleted }: Promises, report: WorkerReport): void {
  if (report.kind === 'stored') stored.add(report.hash)
  if (report.kind === 'deleting') stored.delete(report.hash)
  if (report.kind === 'deleted') deleted.add(report.hash)
}

/** Starts a worker; every report is noted until its channel closes. */
function startWorker(
  command: string,
  args: readonly string[],
  promises: Promises,
  onReport: (r: WorkerReport) => void,
) {
  const worker = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  worker.on('message', (report: WorkerReport) => {
    note(promises, report)
    onReport(report)
  })
  return worker
}

async function ended(worker: ChildProcess): Promise<void> {
  await Promise.all([once(worker, 'exit'), worker.connected ? once(worker, 'disconnect') : undefined])
}

async function expectKept(path: string, { stored, deleted }: Promises): Promise<void> {
  await using store = await openMessageStore(
    { log: silentLogger, clock: systemClock, metrics: createStorageMetrics(createMetricsRegistry()) },
    { ...defaultStorageOptions, accountMessagesMax: 1e9, path },
  )
  expect(await store.expiries(ALICE, [...stored])).toHaveLength(stored.size)
  expect(await store.expiries(ALICE, [...deleted])).toEqual([])
  expect(await store.store(aMessage())).toMatchObject({ outcome: 'new' })
  let held = 0
  for (let afterHash: MessageHash | undefined, more = true; more; ) {
    const page = await store.retrieve({ account: ALICE, namespace: 0, sizeMax: 1e7, ...(afterHash && { afterHash }) })
    held += page.messages.length
    afterHash = page.messages.at(-1)?.hash
    more = page.more
  }
  expect(held).toBe(store.statistics().messages)
}

test('what was acknowledged is there after the process is killed at any moment', async () => {
  await using folder = await makeFolder()
  const promises: Promises = { stored: new Set(), deleted: new Set() }
  let round = 0
  const moments = fc.integer({ min: 1, max: 400 })
  await fc.assert(
    fc.asyncProperty(moments, async (reportsUntilKill) => {
      let reports = 0
      const worker = startWorker(process.execPath, [WORKER, folder.path, `${round++}`], promises, () => {
        if (++reports === reportsUntilKill) worker.kill('SIGKILL')
      })
      await ended(worker)
      expect(reports).toBeGreaterThanOrEqual(reportsUntilKill)
      await expectKept(folder.path, promises)
    }),
    // Shrinking would start processes again and again, and the moment of death is never the same twice.
    { numRuns: ROUNDS, endOnFailure: true },
  )
  // Each round starts a process that reads all of its code: half a second, and three on a busy machine.
}, 240_000)

test('when a file cannot grow, nothing is acknowledged any more and what was acknowledged is kept', async () => {
  await using folder = await makeFolder()
  const promises: Promises = { stored: new Set(), deleted: new Set() }
  let failure: WorkerReport | undefined
  const limited = `ulimit -f 1024; exec "$0" "$@"`
  const args = ['-c', limited, process.execPath, WORKER, folder.path, 'limited']
  await ended(
    startWorker('/bin/sh', args, promises, (report) => {
      if (report.kind === 'failed') failure = report
    }),
  )
  expect(failure).toMatchObject({ writable: false, readable: expect.any(Number) })
  const codes = failure?.kind === 'failed' ? failure.codes : []
  expect(codes).toContain('WRITE_FAILED')
  expect(codes.at(-1)).toBe('NOT_WRITABLE')
  expect(promises.stored.size).toBeGreaterThan(100)
  await expectKept(folder.path, promises)
})
