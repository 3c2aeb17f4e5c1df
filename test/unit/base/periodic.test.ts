import { expect, test } from 'vitest'
import { type Logger, silentLogger } from '../../../src/base/logger.ts'
import { createPeriodic } from '../../../src/base/periodic.ts'

const components = { log: silentLogger }
const often = { intervalMs: 1, sentence: 'The task failed' }
const rarely = { intervalMs: 3_600_000, sentence: 'The task failed' }

/** A promise for the moment when something has happened `count` times. */
function countdown(count: number) {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = count
  return {
    promise,
    tick: () => {
      if (--left === 0) resolve()
    },
  }
}

test('a task runs again and again', async () => {
  const runs = countdown(3)
  await using _periodic = createPeriodic(components, often, async () => runs.tick())
  await runs.promise
})

test('runs never overlap', async () => {
  const runs = countdown(5)
  let running = 0
  let most = 0
  await using periodic = createPeriodic(components, often, async () => {
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    running--
    runs.tick()
  })
  await Promise.all([periodic.runNow(), periodic.runNow(), runs.promise])
  expect(most).toBe(1)
})

test('a run that is asked for starts at once, and who asks meanwhile joins it', async () => {
  let runs = 0
  await using periodic = createPeriodic(components, rarely, async () => void runs++)
  await Promise.all([periodic.runNow(), periodic.runNow()])
  expect(runs).toBe(1)
  await periodic.runNow()
  expect(runs).toBe(2)
})

test.for([
  ['rejects', async () => Promise.reject(new Error('broken'))],
  [
    'throws before it waits',
    () => {
      throw new Error('broken')
    },
  ],
] as const)('a task that %s is logged and runs again', async ([, fail]) => {
  const failures = countdown(2)
  const lines: string[] = []
  const log: Logger = {
    ...silentLogger,
    warn: (_facts, sentence) => {
      lines.push(sentence)
      failures.tick()
    },
  }
  await using periodic = createPeriodic({ log }, often, fail)
  await failures.promise
  expect(lines).toEqual(['The task failed', 'The task failed'])
  await expect(periodic.runNow()).rejects.toThrow('broken')
})

test('disposal aborts the signal, waits for the run under way and starts no other', async () => {
  const started = Promise.withResolvers<void>()
  const events: string[] = []
  const periodic = createPeriodic(components, often, async (signal) => {
    events.push('started')
    started.resolve()
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    await new Promise(setImmediate)
    events.push('ended')
  })
  await started.promise
  await periodic[Symbol.asyncDispose]()
  expect(events).toEqual(['started', 'ended'])
  await expect(periodic.runNow()).rejects.toMatchObject({ name: 'AbortError' })
  await periodic[Symbol.asyncDispose]()
  expect(events).toEqual(['started', 'ended'])
})

test('a task that fails because it is stopped is no one’s trouble', async () => {
  const started = Promise.withResolvers<void>()
  const lines: string[] = []
  const log: Logger = { ...silentLogger, warn: (_facts, sentence) => lines.push(sentence) }
  const periodic = createPeriodic({ log }, often, (signal) => {
    started.resolve()
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  await started.promise
  await periodic[Symbol.asyncDispose]()
  expect(lines).toEqual([])
})

test.for([0, -1, Number.NaN])('an interval of %d ms is refused: nothing else would run', (intervalMs) => {
  expect(() => createPeriodic(components, { ...often, intervalMs }, async () => {})).toThrow('pause between runs')
})

test('an interval longer than a timer holds does not make the task run at once', async () => {
  let runs = 0
  await using _periodic = createPeriodic(components, { ...often, intervalMs: 2 ** 31 }, async () => void runs++)
  const others = countdown(3)
  await using _other = createPeriodic(components, { ...often, intervalMs: 5 }, async () => others.tick())
  await others.promise
  expect(runs).toBe(0)
})
