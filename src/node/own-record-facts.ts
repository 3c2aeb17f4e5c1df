import type { OwnRecordFacts } from '../network/own-record.ts'
import type { Member, MembershipEpoch, ServiceNodeKey } from '../protocol/service-node.ts'
import type { ServiceNodeOptions } from './options.ts'

export interface OwnRecordFactsComponents {
  readonly identity: { readonly key: ServiceNodeKey; readonly bls: string }
  readonly swarm: { members(): readonly Member[]; epoch(): MembershipEpoch | undefined }
  readonly version: readonly [number, number, number]
  /** The newest snapshot of the rewards, if a ledger of them is kept. */
  readonly rewards: () => { readonly index: number; readonly root: string } | undefined
}

/** What this node says of itself in its record: nothing while the list does not have it. */
export function createOwnRecordFacts(
  { identity, swarm, version, rewards }: OwnRecordFactsComponents,
  options: Pick<ServiceNodeOptions, 'publicIp'> & { rpc: { httpsPort: number } },
): () => OwnRecordFacts | undefined {
  return () => {
    const epoch = swarm.epoch()
    const member = swarm.members().find(({ key }) => key === identity.key)
    if (epoch === undefined || member === undefined) return undefined
    const snapshot = rewards()
    return {
      contractId: member.id,
      bls: identity.bls,
      publicIp: options.publicIp,
      httpsPort: options.rpc.httpsPort,
      version,
      epoch: { index: epoch.index, blockHash: epoch.blockHash, root: epoch.root },
      rewards: snapshot === undefined ? undefined : { index: snapshot.index, root: snapshot.root },
    }
  }
}
