// Each check of the doctor with something to find and with nothing to find: those about the chain on a chain with the real contract.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, truncate, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../../devnet/free-port.ts'
import { type Clock, DAY, HOUR, MINUTE, SECOND, systemClock } from '../../../src/base/clock.ts'
import { type Configuration, readConfiguration } from '../../../src/cli/config/configuration.ts'
import type { DoctorCheck, DoctorContext } from '../../../src/cli/doctor/check.ts'
import { DOCTOR_CHECKS } from '../../../src/cli/doctor/checks.ts'
import { preflightOf } from '../../../src/cli/doctor/context.ts'
import { outcomeOf, resultOf } from '../../../src/cli/doctor/doctor.ts'
import { createMachine, type Machine } from '../../../src/cli/doctor/machine.ts'
import { createKeyFiles } from '../../../src/node/key-files.ts'
import type { NodeStatus, RunFacts, SectionFacts } from '../../../src/node/status.ts'
import type { SectionName } from '../../../src/node/status-problem-kinds.ts'
import { settingsText } from '../../../src/node/status-settings.ts'
import { VERSION_TEXT } from '../../../src/node/version.ts'
import { loadOrCreateCertificate } from '../../../src/rpc/certificate.ts'
import { aNodeStatus, sectionsOf, wellFacts } from '../../support/node-status.ts'
import { type RpcProxy, startRpcProxy } from '../staking/rpc-proxy.ts'
import { createStakedChain, type StakedChain, temporaryFolder } from '../staking/staked-chain.ts'

const NOW_MS = aNodeStatus().takenAtMs
const UNIT = '[Service]\nExecStart=/usr/bin/starling run\nNoNewPrivileges=yes\n'
const { signal } = new AbortController()

let chain: StakedChain
let providers: readonly [RpcProxy, RpcProxy]
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let configuration: Configuration
let flags: Record<string, unknown>
beforeAll(async () => {
  folder = await temporaryFolder()
  chain = await createStakedChain()
  providers = [await startRpcProxy(chain.anvil.rpcUrl), await startRpcProxy(chain.anvil.rpcUrl)]
  const keysFolder = join(folder.path, 'keys')
  await createKeyFiles(keysFolder)
  const dataFolder = join(folder.path, 'data')
  await mkdir(dataFolder, { mode: 0o700 })
  flags = {
    ...{ network: 'devnet', publicIp: '8.8.8.8', keysFolder, dataFolder },
    ...{ 'rpc.port': await freePort('127.0.0.1'), 'network.port': await freePort('127.0.0.1') },
    ...{ 'staking.chainId': chain.anvil.chainId, 'staking.contract': chain.staking.rewards },
    'staking.rpcUrls': providers.map(({ url }) => url),
  }
  configuration = await configured()
})
afterAll(async () => {
  for (const provider of providers ?? []) await provider[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

const configured = (changes: Record<string, unknown> = {}) =>
  readConfiguration({ flags: { ...flags, ...changes }, environment: {} })

const LIMITS = 'Max core file size 0 unlimited bytes\nMax open files            65536   65536   files\n'

function aMachine(changes: Partial<Machine> = {}): Machine {
  const files: Readonly<Record<string, string>> = {
    '/proc/4242/limits': LIMITS,
    '/proc/4242/status': 'Uid:\t998\t998\t998\t998\nVmSwap:\t       0 kB\n',
    '/usr/lib/systemd/system/starling.service': UNIT,
  }
  return {
    nodeVersion: '24.0.0',
    readText: async (path) => (path.endsWith('deploy/systemd/starling.service') ? UNIT : files[path]),
    list: async () => [],
    mode: async () => 0o600,
    isListening: async () => true,
    certificateEndMs: async () => NOW_MS + 90 * DAY,
    flushMs: async () => 2,
    freeBytes: async () => 100e9,
    resolves: async () => true,
    unitProperty: async (name) => (name === 'NeedDaemonReload' ? 'no' : undefined),
    isContainer: async () => false,
    addresses: () => [{ address: '8.8.8.8', isLoopback: false }],
    ...changes,
  }
}

/** What a node tells that is well but for this. */
function told(changes: Partial<SectionFacts> = {}): NodeStatus {
  const well = wellFacts()
  const node = { ...well.node, starling: VERSION_TEXT }
  const network = { ...well.network, versions: [{ starling: VERSION_TEXT, members: 6 }] }
  const storage = { ...well.storage, backup: { state: 'none', lastAtMs: NOW_MS - HOUR } } as const
  return { ...aNodeStatus(), sections: sectionsOf({ ...well, node, network, storage, ...changes }) }
}

/** Everything is as it should be, but for this. */
function aContext(changes: Partial<DoctorContext> = {}, clock: Clock = systemClock): DoctorContext {
  const used = changes.configuration ?? configuration
  const machine = changes.machine ?? aMachine()
  const place = {
    ...{ configFile: undefined, dataFolder: String(flags['dataFolder']), keysFolder: String(flags['keysFolder']) },
  }
  return {
    ...{ nowMs: NOW_MS, place, configuration: used, node: told(), silence: undefined, runs: [], machine, signal },
    settings: used.options === undefined ? undefined : settingsText(used.options.node),
    lastBackupAtMs: NOW_MS - HOUR,
    key: wellFacts().node.key,
    preflight: preflightOf(used, place, { clock, machine, signal }),
    ...changes,
  }
}

type Facts<Name extends SectionName> = Partial<SectionFacts[Name]>
const telling =
  <Name extends SectionName>(name: Name, facts: Facts<Name>) =>
  () =>
    aContext({ node: told({ [name]: { ...factsOf(told(), name), ...facts } }) })

function factsOf<Name extends SectionName>({ sections }: NodeStatus, name: Name): SectionFacts[Name] {
  const section = sections[name]
  return section.state === 'known' ? section.facts : expect.fail()
}

const onMachine = (changes: Partial<Machine>) => () => aContext({ machine: aMachine(changes) })
const reading = (text: string) => onMachine({ readText: async () => text })
const configuredWith = (changes: Record<string, unknown>) => async () =>
  aContext({ configuration: await configured(changes) })
const at = (offsetMs: number) => () => aContext({}, { ...systemClock, nowMs: () => systemClock.nowMs() + offsetMs })
const tested = (test: 'https' | 'libp2p' | 'storage') =>
  telling('nodeTests', { standings: { ...wellFacts().nodeTests.standings, [test]: { testers: 5, failing: 3 } } })
const provider = { ...(wellFacts().chain.providers[0] ?? expect.fail()) }
const lastRun: RunFacts = { startedAtMs: NOW_MS - HOUR, starling: '0.1.0', schema: 3, endedAtMs: null, end: null }

/** Has the provider lie while the check runs. */
const lied = (lie: (method: string, result: unknown) => unknown) => () => {
  providers[1].behaviour = { kind: 'lying', lie }
  return aContext()
}

/** What each check must find. */
const ILL: Readonly<Record<string, () => DoctorContext | Promise<DoctorContext>>> = {
  'config-valid': configuredWith({ publicIp: 'nowhere' }),
  'node-running': () => aContext({ node: undefined, silence: { isRunning: false, reason: 'Nobody listens' } }),
  'node-serving': telling('serving', { isServing: false, notReady: [{ part: 'storage', reason: 'The disk failed' }] }),
  'node-parts': () => {
    const { sections } = told()
    return aContext({ node: { ...told(), sections: { ...sections, chain: { state: 'silent', reason: 'No answer' } } } })
  },
  'program-version': telling('node', { starling: '0.0.1' }),
  'config-drift': async () => aContext({ settings: { ...aContext().settings, 'metrics.port': '1' } }),
  restarts: telling('node', { runs: { startsLastHour: 6, before: null } }),
  'last-run': telling('node', { runs: { startsLastHour: 1, before: lastRun } }),
  'log-errors': telling('node', {
    log: { warnings: 0, errors: 1, newest: [{ atMs: NOW_MS - MINUTE, part: 'rpc', sentence: 'A fault' }] },
  }),
  'event-loop': telling('node', { eventLoopDelayMs: 400 }),
  'memory-use': telling('node', { memory: { ...wellFacts().node.memory, rssBytes: 1.95e9 } }),
  'version-peers': telling('network', { versions: [{ starling: '99.0.0', members: 6 }] }),
  'key-files': async () => {
    await chmod(join(String(flags['keysFolder']), 'key_bls'), 0o644)
    return aContext()
  },
  'keys-well-formed': async () => {
    const keysFolder = join(folder.path, 'short-keys')
    await createKeyFiles(keysFolder)
    await truncate(join(keysFolder, 'key_bls'), 7)
    const used = await configured({ keysFolder })
    const place = { ...aContext().place, keysFolder }
    return aContext({ preflight: preflightOf(used, place, { clock: systemClock, machine: aMachine(), signal }) })
  },
  'key-in-use': () => aContext({ key: '00'.repeat(32) }),
  'data-folder': async () => {
    const dataFolder = join(folder.path, 'open-data')
    await mkdir(dataFolder)
    await chmod(dataFolder, 0o777)
    return aContext({ place: { ...aContext().place, dataFolder } })
  },
  'admin-socket': onMachine({ mode: async () => 0o666 }),
  'disk-space': onMachine({ freeBytes: async () => 1e9 }),
  'disk-speed': onMachine({ flushMs: async () => 500 }),
  'database-schema': telling('storage', { schema: 99 }),
  'storage-writable': telling('storage', { isWritable: false, trouble: 'A write failed' }),
  'backup-age': telling('storage', { backup: { state: 'none', lastAtMs: null } }),
  'storage-proofs': tested('storage'),
  contents: telling('swarm', { fetchedShare: 0.5 }),
  'swarm-members': telling('swarm', {
    comparison: { equal: 1, differing: 0, silent: 4, apart: 0, lastEqualMs: null },
  }),
  hints: telling('swarm', { hintsQueued: 50_000 }),
  'clock-members': telling('nodeTests', { clock: { aheadMs: -5 * MINUTE, samples: 5, isByChain: false } }),
  clock: at(-HOUR),
  'node-version': telling('node', { nodeVersion: '20.1.0' }),
  'open-files': reading('Max open files 1024 4096 files\n'),
  'memory-limit': telling('node', { memory: { ...wellFacts().node.memory, limitBytes: 256 * 1024 ** 2 } }),
  swap: reading('VmSwap:\t  2048 kB\n'),
  'core-dumps': reading('Max core file size unlimited unlimited bytes\n'),
  user: reading('Uid:\t0\t0\t0\t0\n'),
  'unit-drift': onMachine({
    readText: async (path) => (path.startsWith('/etc/') ? UNIT.replace('NoNewPrivileges=yes\n', '') : UNIT),
  }),
  'provider-names': async () =>
    aContext({
      configuration: await configured({ 'staking.rpcUrls': ['https://a.invalid', 'https://b.invalid'] }),
      machine: aMachine({ resolves: async (name) => name !== 'b.invalid' }),
    }),
  'providers-count': async () =>
    aContext({ configuration: await configured({ 'staking.rpcUrls': [providers[0].url] }) }),
  'chain-id': lied((method, result) => (method === 'eth_chainId' ? '0x1' : result)),
  contract: configuredWith({ 'staking.contract': `0x${'ab'.repeat(20)}` }),
  'providers-agree': lied((method, result) =>
    method === 'eth_getBlockByNumber' ? { ...(result as object), hash: `0x${'ee'.repeat(32)}` } : result,
  ),
  'head-age': at(HOUR),
  'finalized-age': at(9 * HOUR),
  'session-software': configuredWith({
    network: 'mainnet',
    'staking.chainId': undefined,
    'staking.contract': undefined,
  }),
  'chain-followed': telling('chain', { lastError: 'PROVIDERS_UNAVAILABLE' }),
  'providers-sound': telling('chain', { providers: [{ ...provider, isFaulty: true, lastError: 'PROVIDER_TIMEOUT' }] }),
  'provider-budget': telling('chain', { providers: [{ ...provider, budgetLeft: 0 }] }),
  'contract-accepted': telling('chain', { isContractAccepted: false }),
  stake: telling('stake', { state: 'not-registered', nextCommand: 'starling stake register' }),
  rewards: telling('rewards', { lastError: 'PROVIDERS_UNAVAILABLE' }),
  'public-ip': configuredWith({ publicIp: '192.168.1.2', 'network.allowPrivateAddresses': false }),
  'https-reached': tested('https'),
  'libp2p-reached': tested('libp2p'),
  'port-clients': async () => aContext({ configuration: await configured({ 'rpc.port': portOf(taken) }) }),
  'port-nodes': async () => aContext({ configuration: await configured({ 'network.port': portOf(taken) }) }),
  'https-listening': onMachine({ isListening: async () => false }),
  'libp2p-listening': onMachine({ isListening: async () => false }),
  certificate: onMachine({ certificateEndMs: async () => NOW_MS - SECOND }),
  'own-record': telling('network', { ownRecord: null }),
  'same-key': telling('network', {
    ownRecord: { ip: '198.51.100.9', httpsPort: 22021, peerPort: 22020, signedAtMs: NOW_MS },
  }),
  'members-known': telling('network', { records: 1, missing: 5 }),
  'members-reached': telling('nodeTests', { isInDoubt: true }),
  ipv6: configuredWith({ publicIp: '2001:db8::7' }),
  'metrics-address': configuredWith({ 'metrics.address': '0.0.0.0' }),
}

let taken: Server
beforeAll(async () => {
  taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, () => resolve()))
})
afterAll(async () => {
  await new Promise((resolve) => taken.close(resolve))
})

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : expect.fail()
}

test('every check has something that it must find, and its own id', () => {
  const ids = DOCTOR_CHECKS.map(({ id }) => id)
  expect(ids.toSorted()).toEqual(Object.keys(ILL).toSorted())
  expect(ids.length).toBeGreaterThanOrEqual(25)
})

const checkOf = (id: string): DoctorCheck => DOCTOR_CHECKS.find((check) => check.id === id) ?? expect.fail()

/** The names of these providers are addresses, so there is nothing to resolve. */
const WELL: Readonly<Record<string, () => DoctorContext | Promise<DoctorContext>>> = {
  'provider-names': configuredWith({ 'staking.rpcUrls': ['https://a.invalid', 'https://b.invalid'] }),
}

test.each(DOCTOR_CHECKS.map(({ id }) => id))(
  '%s finds what is wrong, with what mends it, and nothing where nothing is',
  async (id) => {
    const well = await resultOf(checkOf(id), await (WELL[id] ?? aContext)())
    expect(well).toMatchObject({ id, status: 'ok', remedy: undefined })
    expect(well.seen.length).toBeGreaterThan(0)
    try {
      const ill = await resultOf(checkOf(id), (await ILL[id]?.()) ?? expect.fail())
      expect(ill.status).toMatch(/^(warn|fail)$/)
      expect(ill.seen).not.toMatch(/a fault of the program|did not end in time/)
      expect(ill.seen.length).toBeGreaterThan(0)
      expect(ill.remedy?.length).toBeGreaterThan(5)
    } finally {
      for (const each of providers) each.behaviour = { kind: 'honest' }
      await chmod(join(String(flags['keysFolder']), 'key_bls'), 0o600)
    }
  },
)

test('with the node down, what needs it is skipped with why, and the rest is looked at', async () => {
  const down = aContext({
    ...{ node: undefined, settings: undefined, silence: { isRunning: false, reason: 'Nobody listens' } },
    runs: [lastRun],
  })
  const results = await Promise.all(DOCTOR_CHECKS.map((check) => resultOf(check, down)))
  const of = (status: string) => results.filter((result) => result.status === status).map(({ id }) => id)
  expect(of('fail')).toEqual(['node-running'])
  expect(of('warn')).toEqual(['last-run'])
  expect(of('ok')).toEqual(
    expect.arrayContaining([
      'config-valid',
      'key-files',
      'disk-speed',
      'database-schema',
      'backup-age',
      'chain-id',
      'port-clients',
    ]),
  )
  for (const { status, seen } of results) if (status === 'skipped') expect(seen).toMatch(/[a-z]/)
  expect(outcomeOf(results, { strict: false }).exitCode).toBe(4)
})

test('with a configuration that cannot be used, what needs none is looked at', async () => {
  const broken = aContext({ configuration: await configured({ publicIp: 'nowhere' }) })
  const results = await Promise.all(DOCTOR_CHECKS.map((check) => resultOf(check, broken)))
  expect(results.filter(({ status }) => status === 'fail').map(({ id }) => id)).toEqual(['config-valid'])
  expect(outcomeOf(results, { strict: false }).exitCode).toBe(2)
})

test('a check that breaks or hangs is told of, and the exit code is that of the first failure', async () => {
  const check = { ...checkOf('restarts'), id: 'broken' }
  const broken = await resultOf({ ...check, run: () => expect.fail('a fault with words') }, aContext())
  expect(broken).toMatchObject({ status: 'warn', seen: expect.not.stringContaining('words') })
  const late = aContext({ signal: AbortSignal.abort() })
  const hanging = await resultOf({ ...check, run: () => new Promise(() => {}) }, late)
  expect(hanging).toMatchObject({ status: 'warn', seen: 'the check did not end in time' })
  const { result, lines, exitCode } = outcomeOf([broken], { strict: true })
  expect(exitCode).toBe(1)
  expect(outcomeOf([broken], { strict: false }).exitCode).toBe(0)
  expect(result).toMatchObject({ version: 1, ok: true, checks: [{ id: 'broken', status: 'warn' }] })
  expect(lines.at(-1)).toBe('1 check: 0 failed, 1 warning, 0 skipped.')
})

test('in a container, metrics at every address are not complained of', async () => {
  const configuration = await configured({ 'metrics.address': '0.0.0.0' })
  const machine = aMachine({ isContainer: async () => true })
  const found = await resultOf(checkOf('metrics-address'), aContext({ configuration, machine }))
  expect(found).toMatchObject({ status: 'skipped', seen: expect.stringContaining('container') })
})

test('a certificate is renewed where it comes from, and the node’s own is made anew', async () => {
  const ended = aMachine({ certificateEndMs: async () => NOW_MS - SECOND })
  const remedyOf = async (changes: Record<string, unknown>) => {
    const context = aContext({ machine: ended, configuration: await configured(changes) })
    return (await resultOf(checkOf('certificate'), context)).remedy
  }
  expect(await remedyOf({})).toMatch(/rm -r .*\/https/)
  expect(await remedyOf({ 'rpc.certificateFile': '/a.pem', 'rpc.certificateKeyFile': '/b.pem' })).toContain('certbot')
})

test('docs/doctor.md has every check, with what it looks at', () => {
  const page = readFileSync('docs/doctor.md', 'utf8')
  for (const { id, title, meaning, exitCode } of DOCTOR_CHECKS) {
    expect.soft(page).toContain(`| \`${id}\` | ${title} | ${meaning} | ${exitCode} |`)
  }
  expect([...page.matchAll(/^\| `[a-z0-9-]+` \|/gm)]).toHaveLength(DOCTOR_CHECKS.length)
})

test('the machine is asked for what it is: ports, certificates, the disk', async () => {
  const machine = createMachine()
  const place = { host: '127.0.0.1', port: portOf(taken) }
  expect(await machine.isListening(place.host, place.port, signal)).toBe(true)
  expect(await machine.isListening(place.host, await freePort(place.host), signal)).toBe(false)
  const { key, cert } = await loadOrCreateCertificate(join(folder.path, 'https'), { clock: systemClock })
  const https = createTlsServer({ key, cert }, (socket) => void socket.resume()).listen(0, place.host)
  await once(https, 'listening')
  expect(await machine.certificateEndMs(place.host, portOf(https), signal)).toBeGreaterThan(systemClock.nowMs())
  expect(await machine.certificateEndMs(place.host, await freePort(place.host), signal)).toBeUndefined()
  await new Promise((resolve) => https.close(resolve))
  const dataFolder = String(flags['dataFolder'])
  expect(await machine.flushMs(dataFolder)).toBeGreaterThan(0)
  expect(await machine.list(dataFolder)).toEqual([])
  expect(await machine.flushMs(join(dataFolder, 'none'))).toBeUndefined()
  expect(await machine.list(join(dataFolder, 'none'))).toEqual([])
  expect(await machine.mode(join(String(flags['keysFolder']), 'key_bls'))).toBe(0o600)
  expect(await machine.readText(`/proc/${process.pid}/limits`)).toMatch(/^Max open files/m)
  expect(await machine.resolves('a.invalid')).toBe(false)
  expect(await machine.freeBytes(join(dataFolder, 'none'))).toBeGreaterThan(0)
  expect(machine.addresses().length).toBeGreaterThan(0)
})

test('the command reads all that by itself, and prints one line of JSON', async () => {
  const config = join(folder.path, 'starling.yml')
  await writeFile(config, JSON.stringify(flags))
  const words = ['doctor', '--config', config, '--json', '--strict']
  const program = spawn(process.execPath, ['src/cli/main.ts', ...words])
  const [out, code] = await Promise.all([text(program.stdout), new Promise((done) => program.once('exit', done))])
  const { version, ok, checks } = JSON.parse(out)
  expect([version, ok, code]).toEqual([1, false, 4])
  expect(checks).toHaveLength(DOCTOR_CHECKS.length)
  const failed = checks
    .filter(({ status }: { status: string }) => status === 'fail')
    .map(({ id }: { id: string }) => id)
  expect(failed).toEqual(['node-running'])
  for (const { url } of providers) expect(out).not.toContain(url)
})

test('limits that the node lowered for want of memory are no drift, and are told', async () => {
  const { settings } = aContext()
  const effective = { ...settings, 'rpc.connectionsMax': '300' }
  const check = DOCTOR_CHECKS.find(({ id }) => id === 'config-drift') ?? expect.fail()
  const configured = settings?.['rpc.connectionsMax'] ?? ''
  const seen = async (lowered: string) =>
    await resultOf(check, aContext({ settings: effective, lowered: { 'rpc.connectionsMax': lowered } }))
  expect(await seen(configured)).toMatchObject({
    status: 'ok',
    seen: expect.stringContaining(`300, not ${configured}`),
  })
  expect(await seen('1')).toMatchObject({ status: 'warn', seen: expect.stringContaining('rpc.connectionsMax is 1') })
})
