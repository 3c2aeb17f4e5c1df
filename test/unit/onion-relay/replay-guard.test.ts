import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { OnionRelayError } from '../../../src/onion-relay/errors.ts'
import { createOnionRelayMetrics } from '../../../src/onion-relay/metrics.ts'
import { openReplayGuard } from '../../../src/onion-relay/replay-guard.ts'

const WINDOW_MS = 1000
let folder: string
let now: number
const clock: Clock = { nowMs: () => 1_700_000_000_000 + now, monotonicMs: () => now }
const registry = createMetricsRegistry()
const metrics = createOnionRelayMetrics(registry)

/** Opens a guard over the same folder; one that was left open before stands for a process that was killed. */
const open = (options: { tagsMax?: number; wallClock?: Clock } = {}) =>
  openReplayGuard(
    { log: silentLogger, clock: options.wallClock ?? clock, metrics },
    { folder, windowMs: WINDOW_MS, tagsMax: options.tagsMax ?? 1000 },
  )

function tag(number: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE((BigInt(number) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn)
  return bytes
}

const logFiles = async () => (await readdir(folder)).toSorted()
const fileOf = (number: number) => join(folder, `onion-replay-${number}.log`)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-replay-'))
  now = 5_000_000
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a tag is admitted once, even when it comes twice at the same time', async () => {
  await using guard = await open()
  expect(await Promise.all([guard.admit(tag(1)), guard.admit(tag(1)), guard.admit(tag(2))])).toEqual([
    true,
    false,
    true,
  ])
  expect(await guard.admit(tag(1))).toBe(false)
})

test('the tag of only zeros is a tag like others', async () => {
  await using guard = await open()
  expect(await guard.admit(Buffer.alloc(8))).toBe(true)
  expect(await guard.admit(Buffer.alloc(8))).toBe(false)
})

describe('time', () => {
  test('a tag is remembered for a window at least, and for two at most', async () => {
    await using guard = await open()
    await guard.admit(tag(0))
    now += WINDOW_MS - 1
    await guard.admit(tag(1))
    now += WINDOW_MS
    expect(await guard.admit(tag(1))).toBe(false)
    now += WINDOW_MS
    await guard.admit(tag(2))
    now += WINDOW_MS
    expect(await guard.admit(tag(1))).toBe(true)
  })

  test('after a silence of two windows nothing is remembered', async () => {
    await using guard = await open()
    await guard.admit(tag(1))
    now += 2 * WINDOW_MS
    expect(await guard.admit(tag(1))).toBe(true)
  })

  test('a full window ends early, and the one before it is still remembered', async () => {
    await using guard = await open({ tagsMax: 10 })
    for (let number = 0; number < 15; number++) await guard.admit(tag(number))
    expect(await guard.admit(tag(0))).toBe(false)
    for (let number = 15; number < 21; number++) await guard.admit(tag(number))
    expect(await guard.admit(tag(0))).toBe(true)
    expect(await registry.expose()).toMatch(/replay_rotations_total\{reason="full"\} 2/)
  })

  test('files are bounded: the files of past windows are deleted', async () => {
    const guard = await open({ tagsMax: 10 })
    for (let number = 0; number < 95; number++) await guard.admit(tag(number))
    await guard[Symbol.asyncDispose]()
    expect(await logFiles()).toEqual(['onion-replay-10.log', 'onion-replay-9.log'])
    expect((await stat(fileOf(9))).size).toBe(16 + 10 * 8)
  })
})

describe('a restart', () => {
  test('remembers both windows after a clean stop', async () => {
    {
      await using guard = await open()
      await guard.admit(tag(1))
      now += WINDOW_MS
      await guard.admit(tag(2))
    }
    await using again = await open()
    expect([await again.admit(tag(1)), await again.admit(tag(2)), await again.admit(tag(3))]).toEqual([
      false,
      false,
      true,
    ])
  })

  test('remembers after a crash whatever was admitted', async () => {
    const killed = await open()
    await Promise.all(Array.from({ length: 500 }, (_, number) => killed.admit(tag(number))))
    await using again = await open()
    for (let number = 0; number < 500; number++) expect(await again.admit(tag(number))).toBe(false)
    await killed[Symbol.asyncDispose]()
  })

  test('remembers after kill -9', async () => {
    const source = (path: string) => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href)
    const script = `
      import { openReplayGuard } from ${source('onion-relay/replay-guard.ts')}
      import { createOnionRelayMetrics } from ${source('onion-relay/metrics.ts')}
      import { createMetricsRegistry } from ${source('base/metrics.ts')}
      import { silentLogger } from ${source('base/logger.ts')}
      import { systemClock } from ${source('base/clock.ts')}
      const metrics = createOnionRelayMetrics(createMetricsRegistry())
      const options = { folder: process.argv[1], windowMs: 3_600_000, tagsMax: 1000 }
      const guard = await openReplayGuard({ log: silentLogger, clock: systemClock, metrics }, options)
      for (let byte = 0; byte < 200; byte++) await guard.admit(Buffer.alloc(8, byte))
      process.stdout.write('admitted')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')

    await using again = await openReplayGuard(
      { log: silentLogger, clock: systemClock, metrics },
      { folder, windowMs: 3_600_000, tagsMax: 1000 },
    )
    for (let byte = 0; byte < 200; byte++) expect(await again.admit(Buffer.alloc(8, byte))).toBe(false)
    expect(await again.admit(Buffer.alloc(8, 200))).toBe(true)
  })

  test('goes on in the same files, so that a second crash forgets nothing either', async () => {
    const first = await open()
    await first.admit(tag(1))
    const second = await open()
    await second.admit(tag(2))
    await using third = await open()
    expect([await third.admit(tag(1)), await third.admit(tag(2))]).toEqual([false, false])
    await first[Symbol.asyncDispose]()
    await second[Symbol.asyncDispose]()
  })

  test('counts the time that the node was down', async () => {
    {
      await using guard = await open()
      await guard.admit(tag(1))
    }
    now += 2 * WINDOW_MS
    await using again = await open()
    expect(await again.admit(tag(1))).toBe(true)
  })

  test('keeps its tags when the wall clock was set back', async () => {
    {
      await using guard = await open()
      await guard.admit(tag(1))
    }
    const wallClock: Clock = { nowMs: () => 1_000_000, monotonicMs: () => now }
    await using again = await open({ wallClock })
    expect(await again.admit(tag(1))).toBe(false)
  })

  test('ignores a torn last tag, and writes over it', async () => {
    const killed = await open()
    for (const number of [1, 2, 3]) await killed.admit(tag(number))
    await truncate(fileOf(1), 16 + 2 * 8 + 5)
    {
      await using again = await open()
      expect([await again.admit(tag(1)), await again.admit(tag(2)), await again.admit(tag(3))]).toEqual([
        false,
        false,
        true,
      ])
    }
    expect((await readFile(fileOf(1))).subarray(16)).toEqual(Buffer.concat([tag(1), tag(2), tag(3)]))
    await killed[Symbol.asyncDispose]()
  })

  test('deletes a damaged file and starts anew', async () => {
    await writeFile(fileOf(4), 'not a log at all')
    await writeFile(fileOf(5), '')
    await using guard = await open()
    expect(await guard.admit(tag(1))).toBe(true)
    expect(await logFiles()).toEqual(['onion-replay-1.log'])
  })

  test("leaves others' files alone", async () => {
    await appendFile(join(folder, 'notes.txt'), 'mine')
    await using _guard = await open()
    expect(await logFiles()).toContain('notes.txt')
  })
})

test('a folder that cannot be made is reported at the start', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const opening = openReplayGuard(
    { log: silentLogger, clock, metrics },
    { folder: join(file, 'below'), windowMs: WINDOW_MS, tagsMax: 10 },
  )
  await expect(opening).rejects.toThrow(OnionRelayError)
  await expect(opening).rejects.toMatchObject({ code: 'REPLAY_LOG_UNUSABLE' })
})

test('when the disk fails, replays are still refused until the restart, and the failure is counted', async () => {
  const guard = await open({ tagsMax: 2 })
  for (const number of [1, 2]) await guard.admit(tag(number))
  await rm(folder, { recursive: true })
  expect(await guard.admit(tag(3))).toBe(true)
  for (const number of [1, 2, 3]) expect(await guard.admit(tag(number))).toBe(false)
  await guard[Symbol.asyncDispose]()
  expect(await registry.expose()).toMatch(/replay_log_failures_total [1-9]/)
})
