// The commands that look at a node: over a real socket, and at one that does not run.
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOUR } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { adminSocketPath } from '../../../src/cli/admin-client.ts'
import { showPeers } from '../../../src/cli/status/peers.ts'
import { showStatus } from '../../../src/cli/status/status.ts'
import { exitCodeOfStatus } from '../../../src/cli/status/status-exit.ts'
import { showSwarm } from '../../../src/cli/status/swarm.ts'
import { type AdminStatus, createAdminRoutes } from '../../../src/node/admin-routes.ts'
import { startAdminSocket } from '../../../src/node/admin-socket.ts'
import { noteBackup } from '../../../src/node/backup-record.ts'
import { createKeyFiles } from '../../../src/node/key-files.ts'
import { openRunHistory, readRuns } from '../../../src/node/run-history.ts'
import type { NodeStatus, StatusProblem } from '../../../src/node/status.ts'
import { problem } from '../../../src/node/status-problems.ts'
import { parseServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { openJournal } from '../../../src/staking/operator/journal.ts'
import type { JournalEntry } from '../../../src/staking/operator/journal-entry.ts'
import { aNodeStatus, wellFacts } from '../../support/node-status.ts'
import { createTestClock, START_MS } from '../storage/store-fixture.ts'

let folder: string
let dataFolder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-status-'))
  dataFolder = join(folder, 'data')
  await mkdir(dataFolder, { mode: 0o700 })
})
afterEach(() => rm(folder, { recursive: true }))

const KEY = parseServiceNodeKey('ab'.repeat(32)) ?? expect.fail()
const argsOf = (config?: string) => ({
  config,
  network: undefined,
  'data-folder': dataFolder,
  json: false,
  strict: false,
})

function serve(changes: Partial<AdminStatus> = {}): Promise<AsyncDisposable> {
  const peer = {
    ...{
      key: KEY,
      isSwarmMember: true,
      isConnected: true,
      isReachable: true,
      latencyMs: 17,
      lastSeenMs: START_MS - 2000,
    },
    place: { ip: '192.0.2.9', httpsPort: 22021, peerPort: 22020, starling: '1.2.3', signedAtMs: START_MS },
    tests: { https: 'passed', libp2p: 'passed', storage: 'untested' },
  } as const
  const told: AdminStatus = {
    status: async () => aNodeStatus(),
    peers: () => ({ version: 1, takenAtMs: START_MS, members: 9, peers: [peer] }),
    swarm: async () => ({
      ...{ version: 1, takenAtMs: START_MS, key: KEY, handOverLeft: 0, swarm: wellFacts().swarm, members: [peer] },
    }),
    settings: () => ({ version: 1, settings: {} }),
    ...changes,
  }
  const signatures = { collect: () => Promise.reject(new Error('Not here')) }
  const handle = createAdminRoutes({ told, signatures, rewards: undefined })
  return startAdminSocket({ log: silentLogger, handle }, { path: adminSocketPath(dataFolder) })
}

const withProblems = (health: NodeStatus['health'], ...problems: readonly StatusProblem[]): NodeStatus => ({
  ...{ ...aNodeStatus(), health, problems },
})

test('a node that serves is told of in lines that people read, and exits with 0', async () => {
  await using _ = await serve()
  const { lines, result, exitCode } = await showStatus(argsOf())
  expect(result).toEqual({ ...aNodeStatus(), transactions: [] })
  expect(exitCode).toBe(0)
  const page = lines.join('\n')
  expect(lines[0]).toMatch(/^Service node abab.*: serving$/)
  for (const part of ['Node', 'Stake', 'Swarm', 'Network', 'Chain', 'Rewards', 'Storage', 'Traffic', 'Node tests']) {
    expect.soft(page).toMatch(new RegExp(`^  ${part} +\\S`, 'm'))
  }
  expect(page).toContain('5 of 5 testers reach this node')
  expect(page).toContain('Nothing is wrong.')
})

test('a part that does not answer is named in its place, and each problem has its next command', async () => {
  const { sections } = aNodeStatus()
  const silent = { state: 'silent', reason: 'It does not answer in time' } as const
  const status = withProblems('degraded', problem('CHAIN_FROZEN', 'Nothing becomes final'))
  await using _ = await serve({ status: async () => ({ ...status, sections: { ...sections, chain: silent } }) })
  const { lines } = await showStatus(argsOf())
  const page = lines.join('\n')
  expect(page).toMatch(/Chain +silent: It does not answer in time/)
  expect(page).toContain('WARN  Nothing becomes final (CHAIN_FROZEN)\n      Next: starling doctor')
})

test('the exit code says what kind of trouble it is', () => {
  const codeOf = (status: NodeStatus, strict = false) => exitCodeOfStatus(status, { strict })
  const told = (code: Parameters<typeof problem>[0]) => problem(code, 'A reason')
  expect(codeOf(withProblems('degraded', told('CHAIN_FROZEN')))).toBe(0)
  expect(codeOf(withProblems('degraded', told('CHAIN_FROZEN')), true)).toBe(1)
  expect(codeOf(withProblems('serving', told('RUN_BROKE_OFF')), true)).toBe(0)
  expect(codeOf(withProblems('not-serving', told('STAKE_NOT_REGISTERED')))).toBe(6)
  expect(codeOf(withProblems('not-serving', told('STAKE_PENDING')))).toBe(75)
  expect(codeOf(withProblems('not-serving', told('LIST_UNREAD')))).toBe(5)
  expect(codeOf(withProblems('not-serving', told('STORAGE_NOT_WRITABLE')))).toBe(74)
  expect(codeOf(withProblems('degraded', told('HTTPS_UNREACHABLE')))).toBe(69)
  expect(codeOf(withProblems('unknown', told('SECTION_FAILED')))).toBe(1)
})

test('of a node that does not run, it tells what its files say', async () => {
  const keysFolder = join(folder, 'keys')
  await createKeyFiles(keysFolder)
  const config = join(folder, 'starling.yml')
  await writeFile(config, `network: mainnet\npublicIp: 192.0.2.7\nkeysFolder: ${keysFolder}\nrpc:\n  prot: 1\n`)
  const clock = createTestClock()
  const place = { folder: dataFolder, starling: '1.2.3', schema: 3 }
  await using crashed = await openRunHistory({ clock, log: silentLogger }, place)
  await noteBackup(dataFolder, START_MS)
  const { result, lines, exitCode } = await showStatus(argsOf(config))
  expect(exitCode).toBe(4)
  expect(result).toMatchObject({
    version: 1,
    health: 'not-running',
    stopped: {
      ...{ configFile: config, dataFolder, keysFolder, key: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ...{ lastRun: { startedAtMs: START_MS, endedAtMs: null, end: null }, lastBackupAtMs: START_MS },
    },
  })
  expect(codesOf(result)).toEqual(['NODE_NOT_RUNNING', 'CONFIG_INVALID', 'CONFIG_INVALID', 'RUN_BROKE_OFF'])
  expect(lines.join('\n')).toContain('starling.yml:5:3: rpc.prot')
  crashed.endsBecause('stopped')
})

test('keys that others read and a folder that others write to are told of', async () => {
  const keysFolder = join(folder, 'keys')
  await createKeyFiles(keysFolder)
  await chmod(join(keysFolder, 'key_bls'), 0o644)
  await chmod(dataFolder, 0o777)
  const config = join(folder, 'starling.yml')
  await writeFile(
    config,
    `publicIp: 192.0.2.7\nkeysFolder: ${keysFolder}\nstaking: {rpcUrls: ['http://a', 'http://b']}\n`,
  )
  const { result } = await showStatus(argsOf(config))
  expect(codesOf(result)).toEqual(['NODE_NOT_RUNNING', 'KEYS_UNUSABLE', 'DATA_FOLDER_UNUSABLE'])
})

test('keys that are gone are restored where the node has run, and made where it never has', async () => {
  const keysFolder = join(folder, 'my keys')
  const config = join(folder, 'starling.yml')
  await writeFile(config, `publicIp: 192.0.2.7\nkeysFolder: ${keysFolder}\n`)
  const next = async () => {
    const { result } = await showStatus(argsOf(config))
    return (result['problems'] as readonly StatusProblem[]).find(({ code }) => code === 'KEYS_UNUSABLE')?.next
  }
  expect(await next()).toBe(`starling keys create --keys-folder '${keysFolder}'`)
  const place = { folder: dataFolder, starling: '1.2.3', schema: 3 }
  await using _ = await openRunHistory({ clock: createTestClock(), log: silentLogger }, place)
  expect(await next()).toBe(`starling keys restore --from node.backup --keys-folder '${keysFolder}'`)
})

test('a slip in the configuration of a running node is told of below what it says, with its file in what is next', async () => {
  const config = join(folder, 'starling.yml')
  await writeFile(config, `dataFolder: ${dataFolder}\nrpc: {port: 1\n`)
  const status = withProblems('degraded', problem('CHAIN_FROZEN', 'Nothing becomes final'))
  await using _ = await serve({ status: async () => status })
  const args = { ...argsOf(config), 'data-folder': undefined }
  const page = (await showStatus(args)).lines.join('\n')
  expect(page).toMatch(/^Service node abab.*: /)
  expect(page).toContain(`Next: starling doctor --config ${config}`)
  expect(page).toContain(`Next: starling config validate --config ${config}`)
  expect((await showSwarm(args)).lines.join('\n')).toContain('could not start again')
  expect((await showPeers({ ...args, count: 1 })).lines.join('\n')).toContain('could not start again')
})

test('a node that hangs is told of within its time, and one of another version too', async () => {
  await using _running = await openRunHistory(
    { clock: createTestClock(), log: silentLogger },
    { folder: dataFolder, starling: '1.2.3', schema: 3 },
  )
  const hanging = createServer((socket) => void socket.resume()).listen(adminSocketPath(dataFolder))
  const silent = await showStatus(argsOf())
  expect(silent.exitCode).toBe(69)
  expect(silent.result).toMatchObject({ health: 'silent' })
  expect(codesOf(silent.result)[0]).toBe('NODE_SILENT')
  expect(codesOf(silent.result)).not.toContain('RUN_BROKE_OFF')
  expect(silent.lines.join()).toContain('it goes on')
  await new Promise((resolve) => hanging.close(resolve))
  await using _ = await serve({ status: async () => Object.assign(aNodeStatus(), { version: 2 }) })
  const other = await showStatus(argsOf())
  expect(other.exitCode).toBe(1)
  expect(codesOf(other.result)[0]).toBe('NODE_ANSWER_UNKNOWN')
})

function codesOf(result: Readonly<Record<string, unknown>>): readonly string[] {
  return (result['problems'] as readonly StatusProblem[]).map(({ code }) => code)
}

test('peers and the swarm are shown in tables, and in JSON as they came', async () => {
  await using _ = await serve()
  const peers = await showPeers({ ...argsOf(), count: 1 })
  expect(peers.lines[0]).toMatch(/^swarm +node +place/)
  expect(peers.lines[1]).toMatch(
    /^own +ababab…abab +192\.0\.2\.9:22021 +1\.2\.3 +connected +17 ms +2 s ago +passed passed untested$/,
  )
  expect(peers.lines[2]).toBe('1 of 8; more with --count')
  const swarm = await showSwarm(argsOf())
  expect(swarm.lines[0]).toBe('Swarm 8000000000000000, one of 1, with 6 members')
  expect(swarm.result).toMatchObject({ version: 1, members: [{ key: KEY }] })
  await expect(showPeers({ ...argsOf(), count: 0 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})

test('the commands print one line of JSON and exit as they say', async () => {
  await using _ = await serve()
  const run = async (...words: readonly string[]) => {
    const program = spawn(process.execPath, ['src/cli/main.ts', ...words, '--data-folder', dataFolder, '--json'])
    const [out, code] = await Promise.all([
      text(program.stdout),
      new Promise((resolve) => program.once('exit', resolve)),
    ])
    return { out: JSON.parse(out), code }
  }
  const [status, swarm] = await Promise.all([run('status'), run('swarm')])
  expect(status).toEqual({ out: { ...aNodeStatus(), transactions: [] }, code: 0 })
  expect(swarm).toMatchObject({ out: { version: 1, key: KEY }, code: 0 })
})

test('a transaction that is not final yet is shown with its block, from what the command that sent it noted', async () => {
  const keysFolder = join(folder, 'keys')
  await mkdir(keysFolder, { mode: 0o700 })
  const { chainId, finalizedBlock } = wellFacts().chain
  const account = `0x${'11'.repeat(20)}` as const
  const entry: JournalEntry = {
    ...{ purpose: 'register', title: 'Register', to: account, data: '0x', nonce: 1, gas: 1n, signedAtMs: START_MS },
    attempts: [{ hash: `0x${'aa'.repeat(32)}`, raw: '0x', maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }],
    ...{ outcome: 'mined', minedHash: `0x${'aa'.repeat(32)}`, isFinal: false, isTold: true },
    blockNumber: BigInt(finalizedBlock ?? 0) + 3n,
  }
  {
    await using journal = await openJournal(keysFolder, { chainId, account })
    await journal.append(entry)
    await journal.append({ ...entry, blockNumber: 1n })
    await journal.append({ ...entry, title: 'Claim', outcome: 'open', minedHash: undefined, blockNumber: undefined })
  }
  const config = join(folder, 'starling.yml')
  await writeFile(config, `keysFolder: ${keysFolder}\n`)
  await using _ = await serve()
  const { result, lines } = await showStatus(argsOf(config))
  expect(result['transactions']).toMatchObject([
    { account, title: 'Register', blockNumber: '1003', outcome: 'mined' },
    { title: 'Claim', blockNumber: null, outcome: 'open' },
  ])
  expect(lines.join('\n')).toContain('Register: in block 1003, the final one is 1000')
})

test('how runs ended is remembered, also when one broke off, and a damaged note is none', async () => {
  const clock = createTestClock()
  const place = { folder: dataFolder, starling: '1.2.3', schema: 3 }
  const start = () => openRunHistory({ clock, log: silentLogger }, place)
  const first = await start()
  expect(first.facts()).toEqual({ startsLastHour: 1, before: null })
  first.endsBecause('stopped')
  clock.pass(1000)
  await first[Symbol.asyncDispose]()
  const second = await start()
  expect(second.facts()).toMatchObject({ startsLastHour: 2, before: { endedAtMs: START_MS + 1000, end: 'stopped' } })
  // The second is killed.
  await using third = await start()
  expect(third.facts()).toMatchObject({ startsLastHour: 3, before: { endedAtMs: null, end: null, schema: 3 } })
  clock.pass(2 * HOUR)
  expect(third.facts().startsLastHour).toBe(1)
  await writeFile(join(dataFolder, 'runs.json'), '{"runs": [{"startedAtMs": "x"}, 7')
  expect(await readRuns(dataFolder)).toEqual([])
})
