import type { AccountId } from '../src/protocol/account.ts'
import { type NetworkId, networkIdOf } from '../src/protocol/network-id.ts'
import { type Member, parseServiceNodeKey, type ServiceNodeKey } from '../src/protocol/service-node.ts'
import { swarmIdFor } from '../src/protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../src/protocol/swarm-space.ts'
import { serviceNodeRewardsAbi } from '../src/staking/abi.ts'
import { defaultSwarmOptions } from '../src/swarm/options.ts'
import { computeSwarms, type SwarmRange } from '../src/swarm/placement.ts'
import { createChainClient } from './chain/chain-client.ts'
import type { StakingChain } from './stakes.ts'

/** Who has a stake, read from the newest block as any user of the chain can. */
export async function membersOnChain({ anvil, deployment }: StakingChain): Promise<readonly Member[]> {
  const client = createChainClient(anvil, anvil.accounts[0]?.privateKey ?? '0x')
  const contract = { address: deployment.rewards, abi: serviceNodeRewardsAbi } as const
  const [ids] = await client.readContract({ ...contract, functionName: 'allServiceNodeIDs' })
  return Promise.all(
    ids.map(async (id) => {
      const node = await client.readContract({ ...contract, functionName: 'serviceNodes', args: [id] })
      return {
        id,
        key: parseServiceNodeKey(hex32(node.ed25519Pubkey)) as ServiceNodeKey,
        bls: hex32(node.blsPubkey.X) + hex32(node.blsPubkey.Y),
        operator: node.operator,
        addedTimestampS: node.addedTimestamp,
        leaveRequestTimestampS: node.leaveRequestTimestamp,
        depositAtomic: node.deposit,
      }
    }),
  )
}

export function networkOf({ anvil, deployment }: StakingChain): NetworkId {
  return networkIdOf(anvil.chainId, deployment.rewards)
}

/** The swarms that these members make, as everybody computes them. */
export function swarmsOf(members: readonly Member[], chain: StakingChain): readonly SwarmRange[] {
  return computeSwarms(members, networkOf(chain), defaultSwarmOptions)
}

/** The swarm that keeps the messages of an account. */
export function swarmOf(account: AccountId, swarms: readonly SwarmRange[]): SwarmRange {
  const id = swarmIdFor(
    swarmSpaceOf(account),
    swarms.map((swarm) => swarm.id),
  )
  const found = swarms.find((swarm) => swarm.id === id)
  if (found === undefined) throw new Error('There are no swarms')
  return found
}

function hex32(value: bigint): string {
  return value.toString(16).padStart(64, '0')
}
