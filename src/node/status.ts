import type { DurationMs, TimestampMs } from '../base/clock.ts'
import type { PeerNetworkStatus } from '../network/peer-network.ts'
import type { PeerTestsStatus } from '../peer-tests/peer-tests.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { ChainStanding } from '../staking/chain-standing.ts'
import type { MembershipStatus } from '../staking/membership-follower.ts'
import type { OwnStakeState } from '../staking/own-stake-state.ts'
import type { RewardsStatus } from '../staking/rewards/snapshot.ts'
import type { HealthReason } from './health.ts'
import type { Phase } from './readiness.ts'
import type { NodeReplicationStatus } from './replication.ts'
import type { ProblemCode, SectionName, Severity } from './status-problem-kinds.ts'

/** How a service node is doing, part by part, for its own process. */
export interface ServiceNodeStatus {
  readonly key: ServiceNodeKey
  /** Why the node does not serve; empty when it does. */
  readonly notReady: readonly HealthReason[]
  /** What an operator should see to although the node serves. */
  readonly degraded: readonly HealthReason[]
  readonly stake: OwnStakeState
  readonly membership: MembershipStatus
  readonly network: PeerNetworkStatus
  readonly swarm: { readonly id: string | undefined; readonly members: number }
  /** Undefined on a network whose rewards this node does not compute. */
  readonly rewards: RewardsStatus | undefined
  readonly storage: { readonly messages: number; readonly dataBytes: number }
  /** How far this node holds what the other members of its swarm do. */
  readonly replication: NodeReplicationStatus | undefined
  /** How members fare in this node's tests, and this node in theirs. */
  readonly peerTests: PeerTestsStatus
}

/** Grows when a field changes its meaning or goes; new fields and codes do not change it. */
export const STATUS_VERSION = 1

/**
 * The status document: what the operator is told, by `starling status`, as JSON, on the status page and in `starling top`
 * (docs/status.md). All of it is JSON as it stands: what is unknown is null, and integers beyond a double's are decimal text.
 * Nothing in it names or counts a single client.
 */
export interface NodeStatus {
  readonly version: typeof STATUS_VERSION
  readonly takenAtMs: TimestampMs
  /** `serving` and `degraded` serve clients; `unknown` when the node cannot tell. */
  readonly health: NodeHealth
  readonly sections: StatusSections
  /** What is wrong, the worst first. Empty when all is well. */
  readonly problems: readonly StatusProblem[]
}

export type NodeHealth = 'serving' | 'degraded' | 'not-serving' | 'unknown'

/** Each section is asked by itself: what one does not tell keeps none of the others back. */
export type StatusSections = { readonly [Name in SectionName]: Section<SectionFacts[Name]> }

export interface SectionFacts {
  readonly serving: ServingFacts
  readonly node: NodeFacts
  readonly stake: StakeFacts
  readonly swarm: SwarmFacts
  readonly network: NetworkFacts
  readonly chain: ChainFacts
  readonly rewards: RewardsFacts
  readonly storage: StorageFacts
  readonly traffic: TrafficFacts
  readonly nodeTests: NodeTestsFacts
}

/** The facts of a section, or why there are none. */
export type Section<Facts> =
  | { readonly state: 'known'; readonly facts: Facts }
  /** `absent`: the node has no such part, or it has not begun. `silent`: it did not answer in time. `failed`: it broke. */
  | { readonly state: 'absent' | 'silent' | 'failed'; readonly reason: string }

export interface StatusProblem {
  /** For scripts; never changes its meaning. Each is in docs/status.md. */
  readonly code: ProblemCode
  readonly section: SectionName
  readonly severity: Severity
  /** A sentence for the operator: what is wrong. */
  readonly reason: string
  /** The command to type next. */
  readonly next: string
}

/** What `/readyz` says too. */
export interface ServingFacts {
  readonly isServing: boolean
  readonly notReady: readonly HealthReason[]
  readonly degraded: readonly HealthReason[]
}

export interface NodeFacts {
  /** Ed25519 key, 64 hex digits. */
  readonly key: string
  readonly starling: string
  readonly nodeVersion: string
  /** Of the network: a digest over its chain and contract. */
  readonly network: string
  readonly phase: Phase
  readonly pid: number
  readonly startedAtMs: TimestampMs
  readonly uptimeMs: DurationMs
  readonly publicIp: string
  readonly httpsPort: number
  readonly metricsPort: number
  readonly eventLoopDelayMs: DurationMs
  /** Whether new requests are refused because the event loop runs late. */
  readonly isOverloaded: boolean
  readonly memory: MemoryFacts
  /** Seconds of processor time since the start. */
  readonly cpuSeconds: number
  readonly log: LogFacts
  readonly runs: RunsFacts
}

export interface MemoryFacts {
  readonly rssBytes: number
  readonly heapUsedBytes: number
  readonly heapLimitBytes: number
  /** What the control group of the process may have; null without a limit. */
  readonly limitBytes: number | null
}

/** What went to the log since the start, whatever its level shows. */
export interface LogFacts {
  readonly warnings: number
  readonly errors: number
  /** The newest errors, oldest first: constant sentences, without their facts. */
  readonly newest: readonly { readonly atMs: TimestampMs; readonly part: string; readonly sentence: string }[]
}

/** Starts of this node in this data folder. */
export interface RunsFacts {
  /** Within the last hour, this one included. */
  readonly startsLastHour: number
  /** How the run before ended; null when there was none. */
  readonly before: RunFacts | null
}

export interface RunFacts {
  readonly startedAtMs: TimestampMs
  readonly starling: string
  /** Version of the form that its message database had; null where that was not noted. */
  readonly schema: number | null
  /** Null when it did not end orderly: it was killed, or crashed. */
  readonly endedAtMs: TimestampMs | null
  /** Why it ended: `stopped`, or the code of what failed. */
  readonly end: string | null
}

export interface StakeFacts {
  readonly state: OwnStakeState['kind']
  readonly sentence: string
  readonly nextCommand: string | null
  /** The contract's id; null while it is not registered. */
  readonly id: string | null
  readonly operator: string | null
  readonly stakeAtomic: string | null
  readonly addedAtMs: TimestampMs | null
  /** Whether the current service node list has this node. */
  readonly isListed: boolean
  readonly upcoming: 'exit-request' | 'exit' | null
  readonly dates: StakeDates | null
}

export interface StakeDates {
  readonly requestedMs: TimestampMs
  readonly unlockMs: TimestampMs
  readonly liquidateMs: TimestampMs
  readonly exitUnsignedMs: TimestampMs
}

export interface SwarmFacts {
  /** Hex without leading zeros; null while this node is in none. */
  readonly id: string | null
  /** Of its own swarm, this node among them. */
  readonly members: number
  /** The points of the ring whose accounts this node keeps: 16 hex digits each, both included; it may wrap. */
  readonly arc: { readonly first: string; readonly last: string } | null
  /** Swarms of the whole network. */
  readonly swarms: number
  /** Part of the accounts of this node that it has fetched, 0 to 1; null until it has begun. */
  readonly fetchedShare: number | null
  /** Whether it answers for what it has although something is missing. */
  readonly isLenient: boolean
  readonly comparison: ComparisonFacts | null
  /** Requests that wait for members that did not take them. */
  readonly hintsQueued: number
  /** Whether accounts that it no longer serves may still be here, to be handed over. */
  readonly isHandingOver: boolean
}

export interface ComparisonFacts {
  readonly equal: number
  readonly differing: number
  readonly silent: number
  /** An epoch apart, not ready, or ignored. */
  readonly apart: number
  readonly lastEqualMs: TimestampMs | null
}

export interface NetworkFacts {
  readonly connections: number
  /** Members that there is a connection to. */
  readonly connected: number
  /** Members whose record is known, this node among them. */
  readonly records: number
  readonly missing: number
  readonly listening: readonly string[]
  /** This node's record as it is held here and handed on; null while there is none. */
  readonly ownRecord: OwnRecordStatus | null
  /** Versions that members run, the most frequent first; ten at most. */
  readonly versions: readonly { readonly starling: string; readonly members: number }[]
}

export interface OwnRecordStatus {
  readonly ip: string
  readonly httpsPort: number
  readonly peerPort: number
  readonly signedAtMs: TimestampMs
}

export interface ChainFacts {
  readonly chainId: number
  readonly contract: string
  readonly standing: ChainStanding
  readonly epoch: number | null
  readonly members: number | null
  readonly finalizedBlock: number | null
  /** Age of the newest finalized block. */
  readonly lagMs: DurationMs | null
  readonly isFrozen: boolean
  readonly lastSuccessMs: TimestampMs | null
  readonly lastError: string | null
  readonly isContractAccepted: boolean | null
  readonly providers: readonly ProviderFacts[]
}

export interface ProviderFacts {
  /** Name and port: the rest of the URL may hold a key. */
  readonly host: string
  readonly isHealthy: boolean
  readonly isFaulty: boolean
  readonly role: string
  readonly lastError: string | null
  readonly headBlock: number | null
  /** Requests that it may be sent at once. */
  readonly budgetLeft: number
}

export interface RewardsFacts {
  readonly period: number | null
  readonly root: string | null
  readonly snapshotBlock: number | null
  readonly block: number | null
  readonly finalizedBlock: number | null
  readonly lastError: string | null
}

export interface StorageFacts {
  readonly messages: number
  readonly dataBytes: number
  readonly isWritable: boolean
  /** Version of the form that the database has. */
  readonly schema: number
  /** Why it is not writable, or that room runs out. */
  readonly trouble: string | null
  readonly freeDiskBytes: number | null
  /** Bytes that can still be stored before a bound is reached. */
  readonly roomBytes: number | null
  readonly backup: BackupFacts
}

export interface BackupFacts {
  readonly state: 'none' | 'running' | 'done' | 'failed'
  /** Of the newest that was made from this data folder, by this run or another. */
  readonly lastAtMs: TimestampMs | null
}

/** Counters since the start, and gauges: whoever plots takes the difference of two documents over that of their `atMs`. */
export interface TrafficFacts {
  /** Milliseconds since the start, by a clock that does not jump. */
  readonly atMs: DurationMs
  /** Client requests that methods answered, from all entries. */
  readonly requests: Readonly<Record<TrafficClass, number>>
  /** Of them: answered with a fault of the client, with another swarm, or with a fault of this node. */
  readonly refused: { readonly client: number; readonly swarm: number; readonly node: number }
  /** Requests and connections refused before any method saw them. */
  readonly rejected: number
  /** Onion requests by what they asked of this node. */
  readonly onion: {
    readonly relayed: number
    readonly final: number
    readonly outside: number
    readonly failed: number
  }
  readonly stores: number
  readonly retrieves: number
  /** Bodies of client requests. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** Open HTTPS connections of clients. */
  readonly connections: number
  readonly requestsInFlight: number
  /** Requests of other service nodes. */
  readonly peerRequests: number
  readonly storedMessages: number
  readonly storedBytes: number
  readonly chainLagMs: DurationMs | null
  readonly eventLoopDelayMs: DurationMs
}

/** What a client's method is about. */
export type TrafficClass = 'store' | 'retrieve' | 'change' | 'lookup' | 'batch' | 'unknown'

export interface NodeTestsFacts {
  /** What members that tested this node say of it. */
  readonly standings: PeerTestsStatus['standings']
  /** The same in sentences, where most say that something is wrong. */
  readonly troubles: PeerTestsStatus['troubles']
  /** Members that fail each of this node's tests. */
  readonly failing: PeerTestsStatus['failing']
  /** Whether this node reaches so few that it believes itself cut off. */
  readonly isInDoubt: boolean
  readonly clock: {
    readonly aheadMs: DurationMs | null
    readonly samples: number
    readonly isByChain: boolean
  }
}
