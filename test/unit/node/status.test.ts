// What a node tells of itself while parts of it are off, hang or break: the composition is the node's own, its parts are as the test wants
// them.
import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { Timers } from '../../../src/base/timers.ts'
import { createNetworkMetrics } from '../../../src/network/metrics.ts'
import { createNodeMetrics } from '../../../src/node/metrics.ts'
import { createNodeStatus, type NodeStatusComponents } from '../../../src/node/node-status.ts'
import { createReadiness } from '../../../src/node/readiness.ts'
import type { NodeStatus } from '../../../src/node/status.ts'
import { createStatusComposer } from '../../../src/node/status-composer.ts'
import { isNodeStatus, isPeersDocument, isSwarmDocument } from '../../../src/node/status-document.ts'
import { SECTION_NAMES, type SectionName } from '../../../src/node/status-problem-kinds.ts'
import { settingsText } from '../../../src/node/status-settings.ts'
import { createStatusSources, type StatusSourcesOptions } from '../../../src/node/status-sources.ts'
import { VERSION } from '../../../src/node/version.ts'
import { createOnionRelayMetrics } from '../../../src/onion-relay/metrics.ts'
import type { PeerTests } from '../../../src/peer-tests/peer-tests.ts'
import { createRpcMetrics } from '../../../src/rpc/metrics.ts'
import { StakingError } from '../../../src/staking/errors.ts'
import { createStorageMetrics } from '../../../src/storage/metrics.ts'
import { createSwarmMembership, type SwarmMembership } from '../../../src/swarm/membership.ts'
import { createSwarmMetrics } from '../../../src/swarm/metrics.ts'
import { defaultSwarmOptions } from '../../../src/swarm/options.ts'
import { createTestClock, START_MS } from '../storage/store-fixture.ts'
import { anEpoch, NETWORK, someMembers } from '../swarm/member-lists.ts'

const MEMBERS = someMembers(6)
const SELF = MEMBERS[0]?.key ?? expect.fail()
const passed = { testers: 5, failing: 0 }

const OPTIONS: StatusSourcesOptions = {
  publicIp: '192.0.2.1',
  staking: { chainId: 42161, contract: `0x${'22'.repeat(20)}` },
}

/** Those of the status, and what readiness wants of them besides. */
type Parts = Omit<NodeStatusComponents, 'health' | 'statusLog' | 'timers' | 'currentOptions'> & {
  readonly swarm: SwarmMembership
  readonly tests: Pick<PeerTests, 'trouble' | 'clockTrouble'>
}

/** A member that is well, with what its parts count in a registry of its own. */
function wellParts() {
  const registry = createMetricsRegistry()
  const rpc = createRpcMetrics(registry)
  const onion = createOnionRelayMetrics(registry)
  createNetworkMetrics(registry)
  const storage = createStorageMetrics(registry)
  const node = createNodeMetrics(registry)
  const clock = createTestClock()
  const swarmMetrics = createSwarmMetrics(registry)
  const swarm = createSwarmMembership(
    { self: SELF, networkId: NETWORK, log: silentLogger, metrics: swarmMetrics },
    defaultSwarmOptions,
  )
  swarm.update(anEpoch(9, MEMBERS))
  const contacts = MEMBERS.map(({ key }, place) => ({
    ...{ key, ip: `192.0.2.${place + 1}`, httpsPort: 22021, peerPort: 22020, timestampMs: START_MS },
    version: VERSION,
  }))
  const results = { state: 'passed', failures: 0, agoMs: 0 } as const
  const parts: Parts = {
    ...{ self: SELF, network: NETWORK, clock, registry, swarm },
    ...{ ports: { https: 22021, metrics: 9100 }, phase: () => 'running' },
    log: { facts: () => ({ warnings: 0, errors: 0, newest: [] }) },
    runs: { facts: () => ({ startsLastHour: 1, before: null }) },
    overload: { isOverloaded: false },
    stake: {
      state: () => ({
        ...{ kind: 'active', sentence: 'Its stake is final.', nextCommand: undefined, upcoming: undefined },
        member: MEMBERS[0] ?? expect.fail(),
      }),
    },
    replication: {
      status: () => ({
        joining: { share: 1, isEmpty: false, isLenient: false },
        comparison: { members: 5, equal: 5, differing: 0, silent: 0, apart: 0, lastEqualMs: START_MS },
        ...{ waiting: 3, isHandingOver: false },
      }),
    },
    peers: {
      status: () => ({ connections: 5, records: 6, missing: 0, listening: ['/ip4/192.0.2.1/tcp/22020'] }),
      connected: () => contacts.slice(1).map(({ key }) => key),
      contact: (key) => contacts.find((contact) => contact.key === key),
      contacts: () => contacts,
    },
    chain: {
      status: () => ({
        ...{ currentEpoch: 9, members: 6, finalizedBlock: 1000, headAgeMs: 60_000, isFrozen: false, standing: 'full' },
        ...{
          providers: [],
          trustsOneProvider: false,
          contract: undefined,
          lastSuccessMs: START_MS,
          lastError: undefined,
        },
      }),
    },
    rewards: {
      status: () => ({
        ...{ index: 3, root: 'ab', snapshotBlock: 990, block: 1000, finalizedBlock: 1000, members: 6 },
        ...{ dissent: undefined, reconciledAtMs: undefined, lastError: undefined },
      }),
    },
    messages: {
      statistics: () => ({ messages: 12, dataBytes: 3456 }),
      health: () => ({ writable: true }),
    },
    backups: { state: () => 'none', lastAtMs: () => undefined },
    tests: {
      status: () => ({
        ...{ standings: { https: passed, libp2p: passed, storage: passed }, troubles: [], isInDoubt: false },
        ...{ failing: { https: 0, libp2p: 0, storage: 0 }, clock: { aheadMs: 3, samples: 5, isByChain: false } },
      }),
      member: () => ({
        results: { https: results, libp2p: results, storage: results },
        lastAnswer: { roundTripMs: 17, agoMs: 2000 },
      }),
      isReachable: () => true,
      trouble: () => undefined,
      clockTrouble: () => undefined,
    },
  }
  return { parts, clock, rpc, onion, storage, node }
}

/** Time that passes as soon as nothing else is left to do, and what was waited for. */
function quickTimers(): { readonly timers: Timers; readonly waitsMs: number[] } {
  const waitsMs: number[] = []
  const timers: Timers = {
    after(ms, callback) {
      waitsMs.push(ms)
      const turn = setImmediate(callback)
      return () => clearImmediate(turn)
    },
    deadline: (_ms, parent) => parent ?? new AbortController().signal,
  }
  return { timers, waitsMs }
}

function nodeOf(parts: Parts) {
  const { timers, waitsMs } = quickTimers()
  const joining = { status: () => parts.replication.status()?.joining }
  const identity = { key: SELF, bls: '00'.repeat(64) }
  const health = createReadiness({ ...parts, identity, joining, peers: { records: () => MEMBERS } })
  const told = createNodeStatus(
    {
      ...parts,
      health,
      statusLog: silentLogger,
      timers,
      currentOptions: () => ({ configured: OPTIONS, effective: OPTIONS }),
    },
    OPTIONS,
  )
  const sources = createStatusSources({ ...parts, health }, OPTIONS)
  return { told, waitsMs, sources }
}

const unknownOf = ({ sections }: NodeStatus) => SECTION_NAMES.filter((name) => sections[name].state !== 'known')

test('a node that is well says so, section by section, in JSON as it stands', async () => {
  const { told } = nodeOf(wellParts().parts)
  const status = await told.status()
  expect(status).toMatchObject({ version: 1, takenAtMs: START_MS, health: 'serving', problems: [] })
  expect(unknownOf(status)).toEqual([])
  expect(JSON.parse(JSON.stringify(status))).toEqual(status)
  expect(isNodeStatus(status)).toBe(true)
})

/** The parts that can break, and the sections that are about them: all others go on telling. */
const BREAKABLE: Readonly<Record<string, readonly SectionName[]>> = {
  stake: ['serving', 'stake'],
  swarm: ['serving', 'stake', 'swarm'],
  replication: ['serving', 'swarm'],
  peers: ['network'],
  chain: ['serving', 'chain', 'traffic'],
  rewards: ['serving', 'rewards'],
  messages: ['serving', 'storage', 'traffic'],
  backups: ['storage'],
  tests: ['serving', 'nodeTests'],
  registry: ['node', 'storage', 'traffic'],
  log: ['node'],
  runs: ['node'],
}

/** Whatever this part is asked then, this comes of it. */
const WAYS = {
  throws: (): never => {
    throw new Error('It broke')
  },
  hangs: () => new Promise<never>(() => {}),
  nothing: () => undefined,
  null: () => null,
} as const

function broken<Part extends object>(part: Part, way: () => unknown): Part {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? way : value
    },
  })
}

test.each(Object.keys(WAYS) as (keyof typeof WAYS)[])(
  'whatever part %s, all others are told of at once',
  async (way) => {
    for (const [name, about] of Object.entries(BREAKABLE)) {
      const { parts } = wellParts()
      const part: unknown = Reflect.get(parts, name)
      const { told, waitsMs } = nodeOf({ ...parts, [name]: broken(part as object, WAYS[way]) })
      const status = await told.status()
      expect(isNodeStatus(status)).toBe(true)
      expect
        .soft(
          unknownOf(status).filter((section) => !about.includes(section)),
          name,
        )
        .toEqual([])
      if (way === 'throws') expect.soft(unknownOf(status), name).not.toEqual([])
      // All sections wait at the same time, so this is what the whole answer takes at most.
      expect(Math.max(...waitsMs)).toBeLessThanOrEqual(400)
      for (const section of unknownOf(status)) {
        const told = status.problems.filter((problem) => problem.section === section).map(({ code }) => code)
        const { state } = status.sections[section]
        if (state !== 'absent')
          expect.soft(told, name).toContain(state === 'silent' ? 'SECTION_SILENT' : 'SECTION_FAILED')
      }
    }
  },
)

test.each(SECTION_NAMES)(
  'whether the source of %s hangs, throws, or is off, the rest is told within its time',
  async (name) => {
    const { parts } = wellParts()
    const { sources } = nodeOf(parts)
    let asked = 0
    const hanging = () => {
      asked++
      return new Promise<never>(() => {})
    }
    const failing = () => {
      throw new StakingError('PROVIDERS_UNAVAILABLE', 'No provider answers')
    }
    for (const [source, state] of [
      [hanging, 'silent'],
      [failing, 'failed'],
      [undefined, 'absent'],
    ] as const) {
      const { timers, waitsMs } = quickTimers()
      const compose = createStatusComposer({
        ...parts,
        sources: { ...sources, [name]: source },
        log: silentLogger,
        timers,
      })
      const [status] = await Promise.all([compose(), compose()])
      expect(unknownOf(status)).toEqual([name])
      expect(status.sections[name]).toMatchObject({ state })
      expect(status.health).toBe(name === 'serving' ? 'unknown' : state === 'absent' ? 'serving' : 'degraded')
      expect(new Set(waitsMs)).toEqual(new Set([400]))
    }
    // One that hangs is waited for again, and not called again.
    expect(asked).toBe(1)
  },
)

test('what clients ask for is counted by kind, and rates can be told from two looks', async () => {
  const { parts, clock, rpc, onion, storage, node } = wellParts()
  const { told } = nodeOf(parts)
  for (const method of ['store', 'retrieve', 'delete_all', 'get_swarm', 'sequence', 'unknown'] as const) {
    rpc.requests.inc({ method, entry: 'onion', status: '2xx' })
  }
  rpc.requests.inc({ method: 'retrieve', entry: 'https', status: '421' })
  rpc.rejected.inc({ reason: 'rate' })
  rpc.receivedBytes.add(100)
  rpc.sentBytes.add(200)
  onion.requests.inc({ role: 'relay', outcome: 'answered' })
  onion.requests.inc({ role: 'final', outcome: 'timeout' })
  storage.stored.inc({ outcome: 'new' })
  storage.freeDisk.set(5e9)
  storage.room.set(4e9)
  node.eventLoopDelay.set(0.25)
  clock.pass(1000)
  const { sections } = await told.status()
  expect(sections.traffic).toMatchObject({
    facts: {
      requests: { store: 1, retrieve: 2, change: 1, lookup: 1, batch: 1, unknown: 1 },
      refused: { client: 0, swarm: 1, node: 0 },
      onion: { relayed: 1, final: 1, outside: 0, failed: 1 },
      ...{ atMs: 1000, rejected: 1, bytesIn: 100, bytesOut: 200, stores: 1, retrieves: 2, eventLoopDelayMs: 250 },
    },
  })
  expect(sections.storage).toMatchObject({ facts: { freeDiskBytes: 5e9, roomBytes: 4e9, messages: 12 } })
})

test('members of the own swarm come first, with where they are and how far', async () => {
  const { parts } = wellParts()
  const { told } = nodeOf(parts)
  const { members, peers } = told.peers(3)
  expect(members).toBe(6)
  expect(peers).toHaveLength(3)
  expect(peers[0]).toMatchObject({ isSwarmMember: true, isReachable: true, latencyMs: 17, lastSeenMs: START_MS - 2000 })
  expect(peers.map(({ key }) => key)).not.toContain(SELF)
  const document = await told.swarm()
  expect(document).toMatchObject({ key: SELF, handOverLeft: 0, swarm: { members: 6, hintsQueued: 3, fetchedShare: 1 } })
  expect(document.members).toHaveLength(5)
  expect(isPeersDocument(told.peers(3)) && isSwarmDocument(document)).toBe(true)
})

test('settings are told without what a provider is paid with', () => {
  const url = 'https://user:secret@rpc.example:8545/v2/hidden-key?token=x'
  const settings = settingsText({ rpcUrls: [url], nested: { port: 9100, names: new Set(['a', 'b']), none: undefined } })
  expect(settings).toEqual({
    'nested.names': 'a, b',
    'nested.port': '9100',
    rpcUrls: expect.stringMatching(/^rpc\.example:8545 \([0-9a-f]{16}\)$/),
  })
  expect(settingsText({ rpcUrls: [`${url}2`] })['rpcUrls']).not.toBe(settings['rpcUrls'])
})
