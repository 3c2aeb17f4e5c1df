import type { PeerTests } from '../peer-tests/peer-tests.ts'
import type { Member, ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { OwnStakeState } from '../staking/own-stake-state.ts'
import type { RewardsStatus } from '../staking/rewards/snapshot.ts'
import type { JoiningStatus } from '../swarm/joining.ts'
import { type ChainView, chainTrouble, contractTrouble, providersTrouble } from './chain-trouble.ts'
import { Health } from './health.ts'
import { rewardsTrouble } from './rewards.ts'

/** A node serves while it is running; before and after that it may answer, but not all of it is there. */
export type Phase = 'starting' | 'running' | 'stopping'

export interface ReadinessComponents {
  readonly identity: { readonly key: ServiceNodeKey; readonly bls: string }
  readonly swarm: {
    isMember(key: ServiceNodeKey): boolean
    ownSwarm(): Swarm | undefined
    members(): readonly Pick<Member, 'key' | 'bls'>[]
    epoch(): unknown
  }
  readonly chain: { status(): ChainView }
  readonly stake: { state(): OwnStakeState }
  readonly messages: { health(): { writable: boolean; reason?: string; shortage?: string } }
  /** Undefined while it has not begun. */
  readonly joining: { status(): JoiningStatus | undefined }
  readonly peers: { records(): readonly unknown[] }
  /** What tests with other service nodes show of this one, and of its clock. */
  readonly tests: Pick<PeerTests, 'trouble' | 'clockTrouble'>
  /** Undefined where none are computed. */
  readonly rewards?: { status(): RewardsStatus } | undefined
  readonly phase: () => Phase
}

/** What keeps this node from serving, and what else is wrong, part by part, in words for its operator. */
export function createReadiness(components: ReadinessComponents): Health {
  const { identity, swarm, chain, stake, messages, joining, peers, tests, rewards, phase } = components
  const self = identity.key
  const health = new Health()
  health.register('life-cycle', () => PHASE_REASONS[phase()])
  health.register('membership', () =>
    swarm.epoch() === undefined ? 'No service node list has been read from the chain yet' : undefined,
  )
  const ownEntry = createOwnEntry({ self, swarm })
  // The list counts, not the last look at our own stake: while the chain is away, a member stays one.
  health.register('stake', () => {
    if (swarm.epoch() === undefined) return undefined
    const { sentence, nextCommand, kind } = stake.state()
    const told = nextCommand === undefined ? sentence : `${sentence} Next: ${nextCommand}`
    const listed = ownEntry()
    if (listed === undefined) {
      const isFinal = kind === 'active' || kind === 'leaving'
      return isFinal ? 'The stake is final and counts from the next epoch on' : told
    }
    if (listed.bls === identity.bls) return undefined
    // Others refuse the record of such a node, so nobody could find it.
    return kind === 'key-mismatch' ? told : 'The list has the Ed25519 key of this service node with another BLS key'
  })
  health.register('swarm', () =>
    swarm.isMember(self) && swarm.ownSwarm() === undefined ? 'This node is in no swarm' : undefined,
  )
  health.register('network', () =>
    swarm.isMember(self) && swarm.members().length > 1 && peers.records().length < 2
      ? 'No other service node is known yet: check network.bootstrap and that the network port can be reached'
      : undefined,
  )
  health.register('storage', () => {
    const { writable, reason } = messages.health()
    return writable ? undefined : (reason ?? 'Messages cannot be written')
  })
  // Reads and deletions go on, and what is refused here other members may have room for.
  health.registerDegraded('storage', () => messages.health().shortage)
  health.register('contents', () => {
    const status = joining.status()
    if (status === undefined || !status.isEmpty || status.isLenient) return undefined
    return `The messages of this node's accounts are being fetched from other members of its swarm: ${percent(status)} done`
  })
  health.registerDegraded('contents', () => {
    const status = joining.status()
    if (status === undefined || status.share === 1 || (status.isEmpty && !status.isLenient)) return undefined
    if (!status.isLenient)
      return `Some accounts are new to this node, and their messages are being fetched from other members: ${percent(status)} of all are here`
    return `No member could be asked for the messages of accounts that are new to this node, so it answers with those that it has: ${percent(status)} of the accounts are complete. Check that the network port can be reached`
  })
  // By a clock that is so wrong, expired messages would be read and living ones would not.
  health.register('clock', () => {
    const wrong = tests.clockTrouble()
    return wrong?.isUnready === true ? wrong.sentence : undefined
  })
  health.registerDegraded('clock', () => {
    const wrong = tests.clockTrouble()
    return wrong?.isUnready === false ? wrong.sentence : undefined
  })
  // What others cannot reach, they do not use; the rest goes on, and nobody's opinion stops a node.
  health.registerDegraded('peer-tests', () => tests.trouble())
  // The list of before holds on while the chain is away: a node that stopped serving then would take the network down with the chain.
  health.registerDegraded('chain', () => chainTrouble(chain.status()))
  health.registerDegraded('providers', () => providersTrouble(chain.status()))
  health.registerDegraded('contract', () => contractTrouble(chain.status()))
  health.registerDegraded('rewards', () => {
    if (rewards === undefined) return undefined
    const { lastError, ...status } = rewards.status()
    // While the chain is away, there is no need to say so twice.
    return rewardsTrouble(chain.status().lastError === undefined ? { ...status, lastError } : status)
  })
  return health
}

function percent({ share }: JoiningStatus): string {
  return `${Math.floor(share * 100)} %`
}

/** What the list says of this node. Asked with every request, so thousands of members are searched once an epoch only. */
function createOwnEntry({ self, swarm }: { self: ServiceNodeKey; swarm: ReadinessComponents['swarm'] }) {
  let epoch: unknown
  let entry: Pick<Member, 'bls'> | undefined
  return () => {
    if (epoch !== swarm.epoch()) {
      epoch = swarm.epoch()
      entry = swarm.members().find(({ key }) => key === self)
    }
    return entry
  }
}

const PHASE_REASONS: Readonly<Record<Phase, string | undefined>> = {
  starting: 'Starting',
  running: undefined,
  stopping: 'Shutting down',
}
