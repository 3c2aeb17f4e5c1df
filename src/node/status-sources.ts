import { getHeapStatistics } from 'node:v8'
import { assert } from '../base/assert.ts'
import { type Clock, type DurationMs, SECOND, type TimestampMs } from '../base/clock.ts'
import type { MetricsRegistry } from '../base/metrics.ts'
import type { PeerNetwork } from '../network/peer-network.ts'
import type { PeerTests } from '../peer-tests/peer-tests.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { MembershipFollower } from '../staking/membership-follower.ts'
import type { OwnStakeState } from '../staking/own-stake-state.ts'
import type { RewardsStatus } from '../staking/rewards/snapshot.ts'
import { SCHEMA_VERSION } from '../storage/schema-version.ts'
import type { SwarmMembership } from '../swarm/membership.ts'
import type { BackupRecord } from './backup-record.ts'
import type { Health } from './health.ts'
import type { LogTally } from './log-tally.ts'
import { memoryBoundBytes } from './memory-fit.ts'
import type { ServiceNodeOptions } from './options.ts'
import type { Phase } from './readiness.ts'
import type { NodeReplication } from './replication.ts'
import type { RunHistory } from './run-history.ts'
import type { ChainFacts, NetworkFacts, NodeFacts, NodeTestsFacts, RewardsFacts, StorageFacts } from './status.ts'
import type { StatusSources } from './status-composer.ts'
import { stakeFactsOf } from './status-stake.ts'
import { swarmFacts } from './status-swarm.ts'
import { readTraffic } from './status-traffic.ts'
import { VERSION_TEXT } from './version.ts'

export interface StatusSourcesComponents {
  readonly self: ServiceNodeKey
  readonly network: NetworkId
  readonly clock: Clock
  readonly registry: Pick<MetricsRegistry, 'sum'>
  readonly phase: () => Phase
  readonly ports: { readonly https: number; readonly metrics: number }
  readonly log: Pick<LogTally, 'facts'>
  readonly runs: Pick<RunHistory, 'facts'>
  readonly overload: { readonly isOverloaded: boolean }
  readonly health: Pick<Health, 'reasons' | 'degraded'>
  readonly stake: { state(): OwnStakeState }
  readonly swarm: Pick<SwarmMembership, 'ownSwarm' | 'ownArc' | 'swarms' | 'members'>
  readonly replication: Pick<NodeReplication, 'status'>
  readonly peers: Pick<PeerNetwork, 'status' | 'connected' | 'contact' | 'contacts'>
  readonly chain: Pick<MembershipFollower, 'status'>
  /** Undefined where none are computed. */
  readonly rewards: { status(): RewardsStatus } | undefined
  readonly messages: {
    statistics(): { readonly messages: number; readonly dataBytes: number }
    health(): { writable: boolean; reason?: string; shortage?: string }
  }
  readonly backups: BackupRecord
  readonly tests: Pick<PeerTests, 'status'>
}

export type StatusSourcesOptions = Pick<ServiceNodeOptions, 'publicIp'> & {
  readonly staking: Pick<ServiceNodeOptions['staking'], 'chainId' | 'contract'>
}

/** Where each section of the status comes from in a running node. */
export function createStatusSources(components: StatusSourcesComponents, options: StatusSourcesOptions): StatusSources {
  const { clock, health, stake, swarm, self, rewards, tests } = components
  const startedMs = clock.monotonicMs()
  const startedAtMs = clock.nowMs()
  const uptimeMs = () => Math.round(clock.monotonicMs() - startedMs)
  return {
    serving: () => {
      const notReady = health.reasons()
      return { isServing: notReady.length === 0, notReady, degraded: health.degraded() }
    },
    node: () => nodeFacts(components, options, { startedAtMs, uptimeMs: uptimeMs() }),
    stake: () =>
      stakeFactsOf(
        stake.state(),
        swarm.members().some(({ key }) => key === self),
      ),
    swarm: () => swarmFacts(components),
    network: () => networkFacts(components),
    chain: () => chainFacts(components, options),
    rewards: () => (rewards === undefined ? undefined : rewardsFacts(rewards.status())),
    storage: () => storageFacts(components),
    traffic: () => readTraffic({ ...components, uptimeMs }),
    nodeTests: () => nodeTestsFacts(tests),
  }
}

async function nodeFacts(
  { self, network, registry, phase, ports, log, runs, overload }: StatusSourcesComponents,
  { publicIp }: StatusSourcesOptions,
  times: { readonly startedAtMs: TimestampMs; readonly uptimeMs: DurationMs },
): Promise<NodeFacts> {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const delayS = await registry.sum('starling_node_event_loop_delay_seconds')
  return {
    key: self,
    starling: VERSION_TEXT,
    nodeVersion: process.versions.node,
    network,
    phase: phase(),
    pid: process.pid,
    ...times,
    publicIp,
    httpsPort: ports.https,
    metricsPort: ports.metrics,
    eventLoopDelayMs: delayS * SECOND,
    isOverloaded: overload.isOverloaded,
    memory: {
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapLimitBytes: getHeapStatistics().heap_size_limit,
      limitBytes: memoryBoundBytes() ?? null,
    },
    cpuSeconds: (user + system) / 1e6,
    log: present(log.facts()),
    runs: present(runs.facts()),
  }
}

/** A part that tells nothing is broken, whatever its type says. */
function present<Facts extends object>(facts: Facts): Facts {
  assert((facts ?? undefined) !== undefined, 'A part told nothing')
  return facts
}

/** Versions of which there are fewer are left out. */
const VERSIONS_MAX = 10

function networkFacts({ peers, self }: StatusSourcesComponents): NetworkFacts {
  const { connections, records, missing, listening } = peers.status()
  const own = peers.contact(self)
  const counts = new Map<string, number>()
  for (const { version } of peers.contacts()) counts.set(version.join('.'), (counts.get(version.join('.')) ?? 0) + 1)
  const versions = [...counts].map(([starling, members]) => ({ starling, members }))
  return {
    ...{ connections, connected: peers.connected().length, records, missing, listening },
    ownRecord:
      own === undefined
        ? null
        : { ip: own.ip, httpsPort: own.httpsPort, peerPort: own.peerPort, signedAtMs: own.timestampMs },
    versions: versions.toSorted((a, b) => b.members - a.members).slice(0, VERSIONS_MAX),
  }
}

function chainFacts({ chain }: StatusSourcesComponents, { staking }: StatusSourcesOptions): ChainFacts {
  const status = chain.status()
  return {
    chainId: staking.chainId,
    contract: staking.contract,
    standing: status.standing,
    epoch: status.currentEpoch ?? null,
    members: status.members ?? null,
    finalizedBlock: status.finalizedBlock ?? null,
    lagMs: status.headAgeMs ?? null,
    isFrozen: status.isFrozen,
    lastSuccessMs: status.lastSuccessMs ?? null,
    lastError: status.lastError ?? null,
    isContractAccepted: status.contract?.isAccepted ?? null,
    providers: status.providers.map(({ host, healthy, isFaulty, role, lastError, headBlock, budgetLeft }) => ({
      ...{ host, isHealthy: healthy, isFaulty, role, budgetLeft },
      lastError: lastError ?? null,
      headBlock: headBlock ?? null,
    })),
  }
}

function rewardsFacts({ index, root, snapshotBlock, block, finalizedBlock, lastError }: RewardsStatus): RewardsFacts {
  return {
    period: index ?? null,
    root: root ?? null,
    snapshotBlock: snapshotBlock ?? null,
    block: block ?? null,
    finalizedBlock: finalizedBlock ?? null,
    lastError: lastError ?? null,
  }
}

async function storageFacts({ messages, registry, backups }: StatusSourcesComponents): Promise<StorageFacts> {
  const { messages: held, dataBytes } = messages.statistics()
  const { writable, reason, shortage } = messages.health()
  const freeDiskBytes = await registry.sum('starling_storage_free_disk_bytes')
  // Nobody has looked while it is zero; a disk that is full is told of as trouble.
  const isMeasured = freeDiskBytes > 0
  return {
    ...{ messages: held, dataBytes, isWritable: writable, schema: SCHEMA_VERSION },
    trouble: (writable ? shortage : (reason ?? 'Messages cannot be written')) ?? null,
    freeDiskBytes: isMeasured ? freeDiskBytes : null,
    roomBytes: isMeasured ? await registry.sum('starling_storage_room_bytes') : null,
    backup: { state: backups.state(), lastAtMs: backups.lastAtMs() ?? null },
  }
}

function nodeTestsFacts(tests: Pick<PeerTests, 'status'>): NodeTestsFacts {
  const { clock, standings, troubles, failing, isInDoubt } = tests.status()
  const { aheadMs, samples, isByChain } = clock
  return { standings, troubles, failing, isInDoubt, clock: { aheadMs: aheadMs ?? null, samples, isByChain } }
}
