import { parseEventLogs } from 'viem'
import type { StakingNetwork } from '../../../contracts/test/staking-network.ts'
import type { Member, ServiceNodeKey } from '../../../src/protocol/service-node.ts'

// Who is a member, told twice without the code under test: by the contract's state, and by its logs.

/** The contract's own list in the state after a block. */
export async function membersOfState(network: StakingNetwork, blockNumber: bigint): Promise<readonly Member[]> {
  const { owner, rewardsContract } = network
  const at = { ...rewardsContract, blockNumber } as const
  const [ids] = await owner.readContract({ ...at, functionName: 'allServiceNodeIDs' })
  return await Promise.all(
    ids.toSorted(ascending).map(async (id): Promise<Member> => {
      const node = await owner.readContract({ ...at, functionName: 'serviceNodes', args: [id] })
      return {
        id,
        key: keyText(node.ed25519Pubkey),
        bls: blsText(node.blsPubkey),
        operator: node.operator.toLowerCase() as Member['operator'],
        addedTimestampS: node.addedTimestamp,
        leaveRequestTimestampS: node.leaveRequestTimestamp,
        depositAtomic: node.deposit,
      }
    }),
  )
}

/** What a seeding says and no log does: the rest of `Member` is logged. */
export type SeededFacts = Pick<Member, 'operator' | 'addedTimestampS' | 'depositAtomic'>

/** The list that the logs up to a block alone give. */
export async function membersOfLogs(
  network: StakingNetwork,
  blockNumber: bigint,
  seeded: SeededFacts,
): Promise<readonly Member[]> {
  const { owner, rewards, rewardsContract, deployedAtBlock } = network
  const logs = await owner.getLogs({ address: rewards, fromBlock: deployedAtBlock, toBlock: blockNumber })
  const members = new Map<bigint, Member>()
  for (const { eventName, args, blockNumber: number } of parseEventLogs({ abi: rewardsContract.abi, logs })) {
    const timestampS = async () => (await owner.getBlock({ blockNumber: number })).timestamp
    switch (eventName) {
      case 'NewSeededServiceNode': {
        const keys = { key: keyText(args.ed25519Pubkey), bls: blsText(args.blsPubkey) }
        members.set(args.serviceNodeID, { id: args.serviceNodeID, ...keys, ...seeded, leaveRequestTimestampS: 0n })
        break
      }
      case 'NewServiceNodeV2':
        members.set(args.serviceNodeID, {
          id: args.serviceNodeID,
          key: keyText(args.serviceNode.serviceNodePubkey),
          bls: blsText(args.pubkey),
          operator: args.contributors[0]?.staker.addr.toLowerCase() as Member['operator'],
          addedTimestampS: await timestampS(),
          leaveRequestTimestampS: 0n,
          depositAtomic: args.contributors.reduce((sum, { stakedAmount }) => sum + stakedAmount, 0n),
        })
        break
      case 'ServiceNodeExitRequest': {
        const member = members.get(args.serviceNodeID)
        if (member === undefined) throw new Error('Nobody asks to leave who is not there')
        // Asking again changes nothing.
        if (member.leaveRequestTimestampS === 0n)
          members.set(member.id, { ...member, leaveRequestTimestampS: await timestampS() })
        break
      }
      case 'ServiceNodeExit':
        members.delete(args.serviceNodeID)
    }
  }
  return [...members.values()].toSorted((a, b) => ascending(a.id, b.id))
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : 1
}

function keyText(key: bigint): ServiceNodeKey {
  return key.toString(16).padStart(64, '0') as ServiceNodeKey
}

function blsText({ X, Y }: { readonly X: bigint; readonly Y: bigint }): string {
  return X.toString(16).padStart(64, '0') + Y.toString(16).padStart(64, '0')
}
