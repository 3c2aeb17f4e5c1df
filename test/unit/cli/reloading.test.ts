// What a running node makes of a configuration that has changed: what counts at once, what waits for a start, and what is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { CodedError } from '../../../src/base/coded-error.ts'
import { type Logger, silentLogger } from '../../../src/base/logger.ts'
import { requireConfiguration } from '../../../src/cli/config/configuration.ts'
import { Reloader } from '../../../src/cli/config/reloader.ts'
import { serviceNodeFlags } from '../../../src/cli/options/service-node.ts'
import { Reload, type ReloadTargets } from '../../../src/node/reload.ts'
import type { NoticeFields } from '../../../src/node/supervisor-notice.ts'

const folder = mkdtempSync(join(tmpdir(), 'starling-reloading-'))
afterAll(() => rmSync(folder, { recursive: true }))

const BASE = {
  network: 'devnet',
  publicIp: '127.0.0.1',
  'staking.contract': `0x${'1'.repeat(40)}`,
  'staking.rpcUrls': ['http://127.0.0.1:1/KEY'],
}

/** Another value for each option that a running node takes anew. */
const OTHER: Readonly<Record<string, unknown>> = {
  'log.level': 'debug',
  'log.levels': ['swarm=trace'],
  'network.bootstrap': ['/ip4/192.0.2.7/tcp/22020'],
  'staking.rpcUrls': ['http://127.0.0.1:1/KEY', 'http://127.0.0.1:2'],
  'rpc.connectionsMax': 50,
  'rpc.connectionsPerAddressMax': 5,
  'rpc.monitorConnectionsMax': 20,
  'rpc.monitorConnectionsPerAddressMax': 2,
  'rpc.rateBurst': 7,
  'rpc.ratePerSecond': 3,
}

const config = join(folder, 'starling.yml')
const source = { flags: { config }, environment: {} }
const write = (changes: object | string) =>
  writeFileSync(config, typeof changes === 'string' ? changes : JSON.stringify({ ...BASE, ...changes }))

interface Line {
  readonly level: 'info' | 'warn'
  readonly facts: object
  readonly sentence: string
}

/** A node's parts as far as they take options anew; they note what they are told. */
function aNode(checkProviders: ReloadTargets['checkProviders'] = async () => {}) {
  const told: Record<string, unknown> = {}
  const lines: Line[] = []
  const say = (level: Line['level']) => (facts: object, sentence: string) => void lines.push({ level, facts, sentence })
  const log: Logger = { ...silentLogger, info: say('info'), warn: say('warn') }
  const targets: ReloadTargets = {
    levels: {
      configure: (levels) => {
        told['levels'] = levels
      },
    },
    https: {
      setLimits: (limits) => {
        told['limits'] = limits
      },
    },
    peers: {
      setBootstrap: (addresses) => {
        told['bootstrap'] = addresses
      },
    },
    providers: {
      replace: (rpcUrls) => {
        told['rpcUrls'] = rpcUrls
      },
    },
    checkProviders,
  }
  return { told, lines, log, targets }
}

async function started(checkProviders?: ReloadTargets['checkProviders']) {
  const node = aNode(checkProviders)
  const configuration = await requireConfiguration(source)
  const reload = new Reload(node.targets, configuration.options.node)
  const reloader = new Reloader({ log: node.log, reload }, { source, started: configuration })
  return { ...node, reload, reloader, lastLine: () => node.lines.at(-1) }
}

beforeEach(() => write({}))

const reloading = Object.entries(serviceNodeFlags)
  .filter(([, flag]) => 'reloads' in flag && flag.reloads === true)
  .map(([name]) => name)

test('each option that is said to reload is known here', () => {
  expect(reloading.sort()).toEqual(Object.keys(OTHER).sort())
})

test.each(reloading)('%s counts as soon as the configuration is read again', async (name) => {
  const { told, reloader, reload, lastLine } = await started()
  await reloader.readAgain()
  const before = structuredClone(told)
  write({ [name]: OTHER[name] })
  await reloader.readAgain()
  expect(told).not.toEqual(before)
  expect(lastLine()).toMatchObject({ level: 'info', facts: { applied: [name], waiting: [] } })
  expect([reload.trouble(), reload.notice()]).toEqual([undefined, undefined])
})

test('a supervisor is told that it begins and that it has ended, with whatever outcome', async () => {
  const node = aNode()
  const configuration = await requireConfiguration(source)
  const reload = new Reload(node.targets, configuration.options.node)
  const told: NoticeFields[] = []
  const notice = { tell: (fields: NoticeFields) => void told.push(fields) }
  const reloader = new Reloader({ log: node.log, reload, notice }, { source, started: configuration })
  write({ 'metrics.port': 'none' })
  await reloader.readAgain()
  expect(reload.trouble()).toBeDefined()
  expect(told).toEqual([{ RELOADING: '1', MONOTONIC_USEC: expect.stringMatching(/^\d+$/) }, { READY: '1' }])
})

test('any other option waits for the next start, and is named until it is as it was', async () => {
  const { reloader, reload, lastLine } = await started()
  write({ 'rpc.port': 443, 'log.level': 'debug' })
  await reloader.readAgain()
  expect(lastLine()?.facts).toEqual({ applied: ['log.level'], waiting: ['rpc.port'] })
  expect(reload.notice()).toContain('rpc.port')
  await reloader.readAgain()
  expect(lastLine()?.facts).toEqual({ applied: [], waiting: ['rpc.port'] })
  write({ 'log.level': 'debug' })
  await reloader.readAgain()
  expect(reload.notice()).toBeUndefined()
})

test('what counts now can be told: the new where it was applied, the old where it waits', async () => {
  const { options } = await requireConfiguration(source)
  const { reloader, reload } = await started()
  expect(reload.current(options.node)).toBe(options.node)
  write({ 'rpc.port': 443, 'rpc.rateBurst': 77 })
  await reloader.readAgain()
  const { rateBurst, httpsPort } = reload.current(options.node).rpc
  expect({ rateBurst, httpsPort }).toEqual({ rateBurst: 77, httpsPort: options.node.rpc.httpsPort })
})

describe('refused, with the old configuration kept, is', () => {
  test('one that is not valid: the log and the status say why', async () => {
    const { told, reloader, reload, lastLine } = await started()
    write({ 'log.level': 'debug', 'rpc.rateBurst': 0 })
    await reloader.readAgain()
    expect(told).toEqual({})
    const problem = `${config}:1:\\d+: rpc.rateBurst must be a whole number from 1 on, not 0`
    expect(lastLine()).toMatchObject({ level: 'warn', facts: { problems: [expect.stringMatching(problem)] } })
    expect(reload.trouble()).toMatch(new RegExp(`goes on with the one before: ${problem}`))
    write({ 'log.level': 'debug' })
    await reloader.readAgain()
    expect(reload.trouble()).toBeUndefined()
    expect(told).toMatchObject({ levels: { level: 'debug' } })
  })

  test.each([
    ['gone', () => rmSync(config), /there is no such file/],
    ['torn', () => write('publicIp: [1'), /not closed/],
  ])('a file that is %s', async (_what, spoil, says) => {
    const { told, reloader, reload } = await started()
    spoil()
    await reloader.readAgain()
    expect(told).toEqual({})
    expect(reload.trouble()).toMatch(says)
    expect(reload.trouble()).not.toContain('must be given')
  })

  test('a provider of another chain: only those that are new are asked', async () => {
    class Wrong extends CodedError<'CHAIN_WRONG'> {}
    const asked: (readonly string[])[] = []
    const { told, reloader, reload } = await started(async (rpcUrls) => {
      asked.push(rpcUrls)
      throw new Wrong('CHAIN_WRONG', 'This is chain 1')
    })
    write({ 'log.level': 'debug', 'staking.rpcUrls': ['http://127.0.0.1:1/KEY', 'http://127.0.0.1:2'] })
    await reloader.readAgain()
    expect(asked).toEqual([['http://127.0.0.1:2']])
    expect(told).toEqual({})
    expect(reload.trouble()).toContain('This is chain 1')
  })
})

test('asked several times at once, it reads one after another and ends with the newest', async () => {
  const { told, reloader } = await started()
  const first = reloader.readAgain()
  write({ 'log.level': 'debug' })
  const second = reloader.readAgain()
  await Promise.all([first, second])
  expect(told).toMatchObject({ levels: { level: 'debug' } })
})
