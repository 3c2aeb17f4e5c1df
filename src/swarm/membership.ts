import type { Logger } from '../base/logger.ts'
import type { AccountId } from '../protocol/account.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import {
  type Member,
  type MembershipEpoch,
  type ServiceNodeKey,
  type Swarm,
  swarmIdText,
} from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../protocol/swarm-space.ts'
import { ArcSet } from './arc-set.ts'
import { FormerArcs, type FormerHolder } from './former-arcs.ts'
import type { SwarmMetrics } from './metrics.ts'
import type { SwarmOptions } from './options.ts'
import type { SwarmRange } from './placement.ts'
import { SwarmMap } from './swarm-map.ts'

export interface SwarmMembershipComponents {
  /** The key of this node. */
  readonly self: ServiceNodeKey
  readonly networkId: NetworkId
  readonly log: Logger
  readonly metrics: SwarmMetrics
}

/** What an epoch changed. */
export interface SwarmChange {
  /** Index of the epoch that is current now. */
  readonly epoch: number
  /** The swarm of this node before and after; undefined when it was or is in none. */
  readonly before: Swarm | undefined
  readonly after: Swarm | undefined
  /** Members of `after` that were not in `before`, and the other way round; this node is in neither. */
  readonly joined: readonly ServiceNodeKey[]
  readonly left: readonly ServiceNodeKey[]
  /**
   * Whether this node serves other accounts than before. It may even when its swarm stayed the same: where accounts go depends
   * on the ids of the neighbouring swarms too.
   */
  readonly accountsChanged: boolean
}

/** The members of a swarm, and the points of the ring whose accounts they serve. */
export interface SwarmHolders {
  readonly arc: SwarmArc
  readonly members: readonly ServiceNodeKey[]
}

/** Which service nodes there are and which accounts each of them serves. */
export interface SwarmMembership {
  /** The swarm that keeps an account's messages. Undefined only when there are no swarms. */
  swarmOf(account: AccountId): Swarm | undefined
  /** Whether this node is in the account's swarm, or was until the epoch before. */
  serves(account: AccountId): boolean
  /** The other nodes that a change to an account's messages goes to: its swarm, and its swarm of the epoch before. */
  replicas(account: AccountId): readonly ServiceNodeKey[]
  /** The swarm of this node. */
  ownSwarm(): Swarm | undefined
  /** The points of the ring whose accounts this node serves in the current epoch. */
  ownArc(): SwarmArc | undefined
  /** All points of the ring whose accounts this node serves: those of the current epoch, and of the one before. */
  servedArcs(): readonly SwarmArc[]
  /** Who serves which part of the ring, in the current epoch and in the one before; nobody while there is none. */
  holders(): { readonly now: readonly SwarmHolders[]; readonly before: readonly SwarmHolders[] }
  /** The same of any service node: what it may ask others about. */
  arcsServedBy(key: ServiceNodeKey): readonly SwarmArc[]
  /** These, and those that it served a while ago: what it may hand over to others. */
  arcsLatelyServedBy(key: ServiceNodeKey): readonly SwarmArc[]
  /** Who served, a while ago, what this node serves now. */
  formerHolders(): readonly FormerHolder[]
  /** Adds those that were known before a restart. */
  restoreFormerHolders(holders: readonly FormerHolder[]): void
  /** Id of the swarm that a service node belongs to. */
  swarmOfMember(key: ServiceNodeKey): bigint | undefined
  /** Every swarm, ascending by id. */
  swarms(): readonly SwarmRange[]
  /** Whether this service node may take part: it is in the current list, or was in the one before. */
  isMember(key: ServiceNodeKey): boolean
  /** The current service node list, ascending by contract id. */
  members(): readonly Member[]
  epoch(): MembershipEpoch | undefined
  /**
   * Makes an epoch the current one, and the current one the one before. The same epoch again changes nothing; the same index
   * with other contents replaces the current epoch; an earlier index is refused. After a restart, the epoch before goes first.
   */
  update(epoch: MembershipEpoch): void
  /** Calls the listener after every epoch that was taken. Returns what ends that. */
  onChange(listener: (change: SwarmChange) => void): () => void
}

export function createSwarmMembership(
  { self, networkId, log, metrics }: SwarmMembershipComponents,
  options: Pick<SwarmOptions, 'sizeMin' | 'unlockMs' | 'handOverEpochs'>,
): SwarmMembership {
  const listeners = new Set<(change: SwarmChange) => void>()
  let current: SwarmMap | undefined
  let previous: SwarmMap | undefined
  const former = new FormerArcs(options.handOverEpochs)

  const take = (epoch: MembershipEpoch) => {
    const before = current
    const after = new SwarmMap(epoch, networkId, options, before)
    // A corrected epoch replaces one that never was: the epoch before it stays.
    if (before?.epoch.index !== epoch.index) previous = before
    if (before !== undefined) former.note(before, after)
    current = after
    report(changeOf(self, before, after), after)
  }

  const report = (change: SwarmChange, { epoch, swarms }: SwarmMap) => {
    metrics.epochIndex.set(epoch.index)
    metrics.networkMembers.set(epoch.members.length)
    metrics.swarms.set(swarms.length)
    metrics.ownMembers.set(change.after?.members.length ?? 0)
    log.debug({ epoch: epoch.index, members: epoch.members.length, swarms: swarms.length }, 'An epoch began')
    if (hasOwnSwarmChanged(change)) {
      metrics.ownChanges.inc()
      logOwnSwarm(log, change)
    }
    for (const listener of [...listeners]) listener(change)
  }

  const isServedAt = (map: SwarmMap | undefined, space: bigint) => {
    const own = map?.swarmOfMember(self)
    return own !== undefined && map?.swarmAt(space) === own
  }

  const arcsServedBy = (key: ServiceNodeKey) => [current, previous].flatMap((map) => map?.arcServedBy(key) ?? [])

  return {
    swarmOf: (account) => current?.swarmAt(swarmSpaceOf(account)),
    serves(account) {
      const space = swarmSpaceOf(account)
      return isServedAt(current, space) || isServedAt(previous, space)
    },
    replicas(account) {
      const space = swarmSpaceOf(account)
      const now = current?.swarmAt(space)?.members ?? []
      const before = previous?.swarmAt(space)?.members ?? []
      const union = now === before ? now : new Set([...now, ...before])
      return [...union].filter((key) => key !== self)
    },
    ownSwarm: () => current?.swarmOfMember(self),
    ownArc: () => current?.arcServedBy(self),
    servedArcs: () => arcsServedBy(self),
    arcsServedBy,
    formerHolders: () => former.within(ArcSet.of(...arcsServedBy(self))),
    restoreFormerHolders: (holders) => former.restore(holders),
    arcsLatelyServedBy: (key) => [...arcsServedBy(key), ...former.of(key)],
    holders: () => ({ now: current?.holders() ?? [], before: previous?.holders() ?? [] }),
    swarmOfMember: (key) => current?.swarmOfMember(key)?.id,
    swarms: () => current?.swarms ?? [],
    isMember: (key) => current?.isMember(key) === true || previous?.isMember(key) === true,
    members: () => current?.epoch.members ?? [],
    epoch: () => current?.epoch,
    update(epoch) {
      const update = updateOf(current?.epoch, epoch)
      metrics.epochs.inc({ update })
      if (update === 'refused') {
        log.warn({ epoch: epoch.index, current: current?.epoch.index }, 'An epoch before the current one was refused')
      }
      if (update === 'accepted' || update === 'corrected') take(epoch)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function updateOf(current: MembershipEpoch | undefined, epoch: MembershipEpoch) {
  if (current === undefined || epoch.index > current.index) return 'accepted'
  if (epoch.index < current.index) return 'refused'
  return epoch.root === current.root && epoch.blockHash === current.blockHash ? 'repeated' : 'corrected'
}

function changeOf(self: ServiceNodeKey, previous: SwarmMap | undefined, current: SwarmMap): SwarmChange {
  const before = previous?.swarmOfMember(self)
  const after = current.swarmOfMember(self)
  return {
    epoch: current.epoch.index,
    before,
    after,
    joined: othersOnlyIn(after, before, self),
    left: othersOnlyIn(before, after, self),
    accountsChanged: !sameArc(previous?.arcServedBy(self), current.arcServedBy(self)),
  }
}

function othersOnlyIn(a: Swarm | undefined, b: Swarm | undefined, self: ServiceNodeKey): readonly ServiceNodeKey[] {
  if (a === undefined || a === b) return []
  const known = new Set(b?.members)
  return a.members.filter((key) => key !== self && !known.has(key))
}

function sameArc(a: SwarmArc | undefined, b: SwarmArc | undefined): boolean {
  return a?.first === b?.first && a?.last === b?.last
}

function hasOwnSwarmChanged({ before, after, joined, left }: SwarmChange): boolean {
  return before?.id !== after?.id || joined.length > 0 || left.length > 0
}

function logOwnSwarm(log: Logger, { after, joined, left }: SwarmChange): void {
  if (after === undefined) log.info({}, 'This node left its swarm')
  else {
    const facts = { swarmId: swarmIdText(after.id), members: after.members.length }
    log.info({ ...facts, joined: joined.length, left: left.length }, 'Our swarm changed')
  }
}
