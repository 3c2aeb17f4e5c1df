import {
  type DeploymentPlan,
  type PlannedTransaction,
  planDeployment,
  planFunding,
  planStart,
  type StakingAddresses,
} from '../../contracts/deployment/deployment-plan.ts'
import {
  defaultStakingOptions,
  refuseHazards,
  refuseTooFew,
  type SeedMember,
  StakingDeploymentError,
  type StakingOptions,
} from '../../contracts/deployment/network-parameters.ts'
import { serviceNodeRewardsAbi } from '../../src/staking/abi.ts'
import type { ChainClient } from './chain-client.ts'

// Deploys a staking contract on a local chain.

export interface LocalStakingOptions extends StakingOptions {
  /** Members to name before the start. */
  readonly seedMembers: readonly SeedMember[]
  /**
   * Starts although nobody is a member. Whoever comes first then governs alone what follows, so it is only for chains where every
   * first member is the deployer's.
   */
  readonly startsEmpty: boolean
}

export interface StakingDeployment extends StakingAddresses {
  readonly chainId: number
  /** The block from which on the contract's events are found. */
  readonly deployedAtBlock: bigint
  /** Gives the pool tokens to pay out as rewards. Refused while there are fewer than `minimumMembers`. */
  fundPool(amountAtomic: bigint): Promise<void>
}

/** Deploys, wires and starts the staking contracts with `client`'s account as owner. */
export async function deployStaking(
  client: ChainClient,
  overrides: Partial<LocalStakingOptions> = {},
): Promise<StakingDeployment> {
  const options = { ...defaultStakingOptions, seedMembers: [], startsEmpty: false, ...overrides }
  refuseHazards(options)
  if (!options.startsEmpty) refuseTooFew(options.seedMembers.length, options.minimumMembers)
  const deployedAtBlock = await client.getBlockNumber()
  const { addresses } = await deploy(client, options)
  await sendAll(client, planStart(addresses, options.stakingRequirementAtomic, options.seedMembers))

  return {
    chainId: client.chain.id,
    ...addresses,
    deployedAtBlock,
    async fundPool(amountAtomic) {
      const contract = { address: addresses.rewards, abi: serviceNodeRewardsAbi } as const
      const members = await client.readContract({ ...contract, functionName: 'totalNodes' })
      refuseTooFew(Number(members), options.minimumMembers)
      await sendAll(client, planFunding(addresses, amountAtomic))
    },
  }
}

async function deploy(client: ChainClient, options: StakingOptions): Promise<DeploymentPlan> {
  const { address } = client.account
  const plan = planDeployment(options, address, await client.getTransactionCount({ address }))
  await sendAll(client, plan.transactions)
  return plan
}

async function sendAll(client: ChainClient, transactions: readonly PlannedTransaction[]): Promise<void> {
  for (const { step, to, data } of transactions) {
    // A payment of the pool costs more when the clock has moved on since the one before: an estimate made in the same second as
    // that one would not suffice for a block that comes in the next.
    const gas =
      to === undefined ? undefined : (await client.estimateGas({ account: client.account, to, data })) + GAS_MARGIN
    const hash = await client.sendTransaction({ data, ...(to && { to }), ...(gas && { gas }) })
    const receipt = await client.waitForTransactionReceipt({ hash })
    if (receipt.status === 'success') continue
    throw new StakingDeploymentError('TRANSACTION_FAILED', 'A transaction failed', { details: { hash, step } })
  }
}

const GAS_MARGIN = 150_000n
