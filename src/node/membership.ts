import type { MembershipEpoch, ServiceNodeKey } from '../protocol/service-node.ts'

export interface FollowEpochsComponents {
  /** Where epochs come from. */
  readonly chain: {
    current(): MembershipEpoch | undefined
    previous(): MembershipEpoch | undefined
    onEpoch(listener: (epoch: MembershipEpoch) => void): () => void
  }
  /** What is derived from them. */
  readonly swarm: { update(epoch: MembershipEpoch): void; isMember(key: ServiceNodeKey): boolean }
  /** Tells others who and where we are. */
  readonly peers: { republish(): void }
  readonly self: ServiceNodeKey
}

/** Hands each epoch of the chain on to the swarms, and lets others know when this node has become a member. */
export function followEpochs({ chain, swarm, peers, self }: FollowEpochsComponents): Disposable {
  // The epoch before goes first, so that a restart does not forget the overlap.
  for (const epoch of [chain.previous(), chain.current()]) if (epoch !== undefined) swarm.update(epoch)

  const stop = chain.onEpoch((epoch) => {
    const wasMember = swarm.isMember(self)
    swarm.update(epoch)
    if (!wasMember && swarm.isMember(self)) peers.republish()
  })
  return { [Symbol.dispose]: stop }
}
