import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { adminSocketPath, createAdminClient } from '../../../src/cli/admin-client.ts'
import { logLevel } from '../../../src/cli/log/level.ts'
import { createAdminRoutes } from '../../../src/node/admin-routes.ts'
import { startAdminSocket } from '../../../src/node/admin-socket.ts'
import { LogLevels, WISH_MAX_MS } from '../../../src/node/log-levels.ts'
import { defaultLogOptions, LOG_PARTS } from '../../../src/node/log-options.ts'
import { createLogRoutes } from '../../../src/node/log-routes.ts'

/** Timers that run when they are told to. */
function setTimers() {
  let due: { ms: number; callback: () => void } | undefined
  return {
    ms: () => due?.ms,
    fire: () => due?.callback(),
    after(ms: number, callback: () => void) {
      const mine = { ms, callback }
      due = mine
      return () => {
        if (due === mine) due = undefined
      }
    },
    deadline: () => new AbortController().signal,
  }
}

function fixture() {
  const timers = setTimers()
  let fallBacks = 0
  const components = { clock: { nowMs: () => 1_000 }, timers, onFallBack: () => void fallBacks++ }
  return { timers, fallBacks: () => fallBacks, levels: new LogLevels(components, defaultLogOptions) }
}

test('a wish counts for its time and then falls back to the configuration', () => {
  const { levels, timers, fallBacks } = fixture()
  levels.wish({ parts: { swarm: 'trace' } }, 60_000)
  expect([levels.writes('swarm', 'trace'), levels.writes('rpc', 'debug'), timers.ms()]).toEqual([true, false, 60_000])
  expect(levels.state().untilMs).toBe(61_000)
  timers.fire()
  expect([levels.writes('swarm', 'debug'), fallBacks(), levels.state().untilMs]).toEqual([false, 1, undefined])
})

test('the next wish takes the place of the last, and none lasts longer than a day', () => {
  const { levels, timers } = fixture()
  levels.wish({ parts: { swarm: 'trace' } }, 60_000)
  levels.wish({ level: 'debug', parts: { rpc: 'error' } }, 100 * WISH_MAX_MS)
  expect(timers.ms()).toBe(WISH_MAX_MS)
  expect([levels.writes('swarm', 'trace'), levels.writes('swarm', 'debug'), levels.writes('rpc', 'warn')]).toEqual([
    false,
    true,
    false,
  ])
  levels.reset()
  expect([timers.ms(), levels.writes('swarm', 'debug'), levels.writes('rpc', 'info')]).toEqual([undefined, false, true])
})

test('a configuration that is read anew counts at once where nothing was wished, and later for the rest', () => {
  const { levels, timers } = fixture()
  levels.wish({ parts: { swarm: 'trace' } })
  levels.configure({ level: 'error', parts: { swarm: 'warn', rpc: 'info' } })
  expect([levels.writes('swarm', 'trace'), levels.writes('rpc', 'info'), levels.writes('staking', 'warn')]).toEqual([
    true,
    true,
    false,
  ])
  timers.fire()
  expect([levels.writes('swarm', 'warn'), levels.writes('swarm', 'info')]).toEqual([true, false])
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-log-'))
})
afterEach(() => rm(folder, { recursive: true }))

const common = { config: undefined, json: false, for: '10m', reset: false, levels: [] as string[] }

async function startNode() {
  const { levels } = fixture()
  const handle = createAdminRoutes({
    signatures: { collect: () => Promise.reject(new Error('Not here')) },
    rewards: undefined,
    logRoutes: createLogRoutes({ log: silentLogger, levels }),
  })
  const path = adminSocketPath(folder)
  const socket = await startAdminSocket({ log: silentLogger, handle }, { path })
  return { levels, path, [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose]() }
}

test('the command shows levels, changes them for a while, and puts them back', async () => {
  await using node = await startNode()
  const args = { ...common, 'data-folder': folder }
  const shown = await logLevel(args)
  expect(shown.lines).toHaveLength(LOG_PARTS.length + 1)
  expect(shown.result).toMatchObject({ until: null, configured: { level: 'info', parts: {} } })
  const changed = await logLevel({ ...args, levels: ['warn', 'swarm=trace'], for: '90s' })
  expect(changed.result).toMatchObject({
    levels: { swarm: 'trace', rpc: 'warn' },
    until: new Date(91_000).toISOString(),
  })
  expect(node.levels.writes('swarm', 'trace')).toBe(true)
  const reset = await logLevel({ ...args, reset: true })
  expect(reset.result).toMatchObject({ levels: { swarm: 'info', rpc: 'info' }, until: null })
})

test.each([
  { levels: ['swam=debug'], says: /neither a level.*Did you mean swarm\?/ },
  { levels: ['debgu'], says: /Did you mean debug\?/ },
  { levels: ['swarm=loud'], says: /neither a level/ },
  { levels: ['debug'], for: '2d', says: /90s, 10m or 2h/ },
  { levels: ['debug'], for: '25h', says: /a day at most/ },
  { levels: ['debug'], reset: true, says: /not both/ },
])('the command refuses $levels for $for before it asks the node', async ({ says, ...given }) => {
  const refused = logLevel({ ...common, 'data-folder': folder, ...given })
  await expect(refused).rejects.toMatchObject({ code: 'LOG_LEVEL_MALFORMED', message: expect.stringMatching(says) })
})

test.each([
  {},
  { levels: {} },
  { levels: { swarm: 'loud' } },
  { levels: { all: 3 } },
  { levels: { __proto__: null, nobody: 'debug' } },
  { levels: { all: 'debug' }, seconds: 0 },
  { levels: { all: 'debug' }, seconds: 1e9 },
  { levels: { all: 'debug' }, seconds: '60' },
])('the node refuses %j and changes nothing', async (wish) => {
  await using node = await startNode()
  const { signal } = new AbortController()
  const refused = createAdminClient({ socketPath: node.path }).setLogLevels(wish, signal)
  await expect(refused).rejects.toMatchObject({ code: 'REQUEST_MALFORMED' })
  expect(node.levels.state().untilMs).toBeUndefined()
})
