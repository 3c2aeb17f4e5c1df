import type { NodeStatus, Section, SectionFacts, StatusSections } from '../../src/node/status.ts'

/** The facts of a node that is well. */
export function wellFacts(): SectionFacts {
  const passed = { testers: 5, failing: 0 }
  return {
    serving: { isServing: true, notReady: [], degraded: [] },
    node: {
      ...{ key: 'ab'.repeat(32), starling: '1.2.3', nodeVersion: '24.0.0', network: 'cd'.repeat(32), phase: 'running' },
      ...{ pid: 4242, startedAtMs: 1_790_000_000_000, uptimeMs: 7_200_000, publicIp: '192.0.2.7' },
      ...{ httpsPort: 22021, metricsPort: 9100, eventLoopDelayMs: 2.5, isOverloaded: false, cpuSeconds: 30.25 },
      memory: {
        rssBytes: 200_000_000,
        heapUsedBytes: 60_000_000,
        heapLimitBytes: 1_500_000_000,
        limitBytes: 2_000_000_000,
      },
      log: { warnings: 1, errors: 0, newest: [] },
      runs: { startsLastHour: 1, before: null },
    },
    stake: {
      ...{
        state: 'active',
        sentence: 'Its stake is final.',
        nextCommand: null,
        id: '7',
        operator: `0x${'11'.repeat(20)}`,
      },
      ...{ stakeAtomic: '20000000000000', addedAtMs: 1_780_000_000_000, isListed: true, upcoming: null, dates: null },
    },
    swarm: {
      ...{
        id: '8000000000000000',
        members: 6,
        arc: { first: '0000000000000000', last: 'ffffffffffffffff' },
        swarms: 1,
      },
      ...{ fetchedShare: 1, isLenient: false, hintsQueued: 0, isHandingOver: false },
      comparison: { equal: 5, differing: 0, silent: 0, apart: 0, lastEqualMs: 1_790_007_199_000 },
    },
    network: {
      ...{ connections: 5, connected: 5, records: 6, missing: 0, listening: ['/ip4/192.0.2.7/tcp/22020'] },
      ownRecord: { ip: '192.0.2.7', httpsPort: 22021, peerPort: 22020, signedAtMs: 1_790_007_000_000 },
      versions: [{ starling: '1.2.3', members: 6 }],
    },
    chain: {
      ...{ chainId: 42161, contract: `0x${'22'.repeat(20)}`, standing: 'full', epoch: 9, members: 6 },
      ...{ finalizedBlock: 1000, lagMs: 60_000, isFrozen: false, lastSuccessMs: 1_790_007_190_000, lastError: null },
      isContractAccepted: true,
      providers: ['a.example', 'b.example'].map((host) => ({
        ...{ host, isHealthy: true, isFaulty: false, role: 'used', lastError: null, headBlock: 1000, budgetLeft: 20 },
      })),
    },
    rewards: {
      ...{ period: 3, root: 'ef'.repeat(32), snapshotBlock: 990, block: 1000, finalizedBlock: 1000, lastError: null },
    },
    storage: {
      ...{ messages: 12, dataBytes: 3456, isWritable: true, schema: 3, trouble: null },
      ...{ freeDiskBytes: 100e9, roomBytes: 50e9, backup: { state: 'none', lastAtMs: null } },
    },
    traffic: {
      ...{ atMs: 7_200_000, stores: 20, retrieves: 30, bytesIn: 4000, bytesOut: 5000, connections: 3, rejected: 0 },
      requests: { store: 20, retrieve: 30, change: 4, lookup: 5, batch: 6, unknown: 0 },
      refused: { client: 1, swarm: 2, node: 0 },
      onion: { relayed: 7, final: 8, outside: 0, failed: 1 },
      ...{ requestsInFlight: 0, peerRequests: 90, storedMessages: 12, storedBytes: 3456 },
      ...{ chainLagMs: 60_000, eventLoopDelayMs: 2 },
    },
    nodeTests: {
      standings: { https: passed, libp2p: passed, storage: passed },
      troubles: [],
      failing: { https: 0, libp2p: 0, storage: 0 },
      isInDoubt: false,
      clock: { aheadMs: 12, samples: 5, isByChain: false },
    },
  }
}

/** Where every section is known. */
export function sectionsOf(facts: SectionFacts): StatusSections {
  const known = <Facts>(value: Facts): Section<Facts> => ({ state: 'known', facts: value })
  return {
    serving: known(facts.serving),
    node: known(facts.node),
    stake: known(facts.stake),
    swarm: known(facts.swarm),
    network: known(facts.network),
    chain: known(facts.chain),
    rewards: known(facts.rewards),
    storage: known(facts.storage),
    traffic: known(facts.traffic),
    nodeTests: known(facts.nodeTests),
  }
}

/** The status of a node that is well. */
export function aNodeStatus(): NodeStatus {
  return {
    version: 1,
    takenAtMs: 1_790_007_200_000,
    health: 'serving',
    sections: sectionsOf(wellFacts()),
    problems: [],
  }
}
