import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import type { PeerNetwork } from '../network/peer-network.ts'
import type { PeerTests } from '../peer-tests/peer-tests.ts'
import type { PeerTest } from '../protocol/peer-api/probe-report.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmMembership } from '../swarm/membership.ts'

export const PEERS_VERSION = 1

/** What `starling peers` shows: service nodes, which are public, and never a client. */
export interface PeersDocument {
  readonly version: typeof PEERS_VERSION
  readonly takenAtMs: TimestampMs
  /** All members of the network, this node among them. */
  readonly members: number
  /** Those of this node's swarm first, then those that fail a test; as many as were asked for. */
  readonly peers: readonly PeerFacts[]
}

export interface PeerFacts {
  readonly key: ServiceNodeKey
  readonly isSwarmMember: boolean
  /** Null while its record is not known. */
  readonly place: PeerPlace | null
  readonly isConnected: boolean
  /** False for a member that clients are not told of, because it failed here repeatedly. */
  readonly isReachable: boolean
  /** Of its last answer to a test; null while it has not answered. */
  readonly latencyMs: DurationMs | null
  readonly lastSeenMs: TimestampMs | null
  readonly tests: Readonly<Record<PeerTest, 'passed' | 'failed' | 'untested'>>
}

export interface PeerPlace {
  readonly ip: string
  readonly httpsPort: number
  readonly peerPort: number
  readonly starling: string
  readonly signedAtMs: TimestampMs
}

export interface PeersComponents {
  readonly self: ServiceNodeKey
  readonly clock: Pick<Clock, 'nowMs'>
  readonly swarm: Pick<SwarmMembership, 'members' | 'ownSwarm'>
  readonly peers: Pick<PeerNetwork, 'contact' | 'connected'>
  readonly tests: Pick<PeerTests, 'member' | 'isReachable'>
}

/** More would not fit the answer. */
export const PEERS_MAX = 1000

export function readPeers(components: PeersComponents, countMax: number): PeersDocument {
  const { self, clock, swarm, peers } = components
  const own = new Set(swarm.ownSwarm()?.members ?? [])
  const connected = new Set(peers.connected())
  const all = swarm.members()
  const others = all.filter(({ key }) => key !== self)
  const facts = others.map(({ key }) => peerFacts(components, key, own.has(key), connected.has(key)))
  const sorted = facts.toSorted((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1))
  return {
    version: PEERS_VERSION,
    takenAtMs: clock.nowMs(),
    members: all.length,
    peers: sorted.slice(0, Math.min(PEERS_MAX, countMax)),
  }
}

/** What an operator looks for comes first. */
function rank({ isSwarmMember, isReachable }: PeerFacts): number {
  return (isSwarmMember ? 0 : 2) + (isReachable ? 1 : 0)
}

function peerFacts(
  { clock, peers, tests }: PeersComponents,
  key: ServiceNodeKey,
  isSwarmMember: boolean,
  isConnected: boolean,
): PeerFacts {
  const contact = peers.contact(key)
  const { results, lastAnswer } = tests.member(key)
  return {
    ...{ key, isSwarmMember, isConnected, isReachable: tests.isReachable(key) },
    place:
      contact === undefined
        ? null
        : {
            ...{ ip: contact.ip, httpsPort: contact.httpsPort, peerPort: contact.peerPort },
            starling: contact.version.join('.'),
            signedAtMs: contact.timestampMs,
          },
    latencyMs: lastAnswer === undefined ? null : Math.round(lastAnswer.roundTripMs * 10) / 10,
    lastSeenMs: lastAnswer === undefined ? null : Math.round(clock.nowMs() - lastAnswer.agoMs),
    tests: { https: results.https.state, libp2p: results.libp2p.state, storage: results.storage.state },
  }
}
