import { encodeDeployData, encodeFunctionData, getContractAddress, type Hex, parseAbi } from 'viem'
import {
  rewardRatePoolAbi,
  serviceNodeContributionFactoryAbi,
  serviceNodeRewardsAbi,
  stakingTokenAbi,
} from '../../src/staking/abi.ts'
import poolArtifact from '../artifacts/RewardRatePool.json' with { type: 'json' }
import factoryArtifact from '../artifacts/ServiceNodeContributionFactory.json' with { type: 'json' }
import rewardsArtifact from '../artifacts/ServiceNodeRewards.json' with { type: 'json' }
import tokenArtifact from '../artifacts/StakingToken.json' with { type: 'json' }
import proxyArtifact from '../artifacts/TransparentUpgradeableProxy.json' with { type: 'json' }
import type { SeedMember, StakingOptions } from './network-parameters.ts'

// The transactions that make a network, in an order in which nobody can take what is not theirs: the rewards contract is closed
// and holds nothing until there are enough members to govern it.
//
//     token -> logic -> proxies (initialised as they are made) -> wire -> parameters | seed -> stakes -> start
//
// An address follows from the deployer and its nonce, so all of it is known, and can be signed offline, before anything is sent.

export interface PlannedTransaction {
  /** What it does, for whoever signs it. */
  readonly step: string
  /** Absent when it makes a contract. */
  readonly to?: Hex
  readonly data: Hex
}

export interface StakingAddresses {
  readonly token: Hex
  /** The proxy of ServiceNodeRewards: the address that makes the network's id. */
  readonly rewards: Hex
  /** The proxy of RewardRatePool. */
  readonly pool: Hex
  /** The proxy of ServiceNodeContributionFactory. */
  readonly factory: Hex
}

export interface DeploymentPlan {
  readonly addresses: StakingAddresses
  /** To be sent by the deployer with consecutive nonces. */
  readonly transactions: readonly PlannedTransaction[]
}

/** Everything up to a configured contract that is not started. The deployer owns it, and its next nonce is `firstNonce`. */
export function planDeployment(options: StakingOptions, deployer: Hex, firstNonce: number): DeploymentPlan {
  const transactions: PlannedTransaction[] = []
  const create = (step: string, data: Hex): Hex => {
    const nonce = BigInt(firstNonce + transactions.length)
    transactions.push({ step, data })
    return getContractAddress({ from: deployer, nonce })
  }
  const adminOwner = options.proxyAdminOwner ?? deployer
  const proxy = (step: string, logic: Hex, initialization: Hex) =>
    create(step, proxyData(logic, adminOwner, initialization))

  const token = create('Make the token', tokenData(options, deployer))
  const poolLogic = create("Make the pool's code", logicData(poolArtifact.bytecode as Hex))
  const rewardsLogic = create("Make the rewards contract's code", logicData(rewardsArtifact.bytecode as Hex))
  const factoryLogic = create("Make the factory's code", logicData(factoryArtifact.bytecode as Hex))
  // Pool and rewards contract refer to each other. The pool starts with its deployer as beneficiary and nothing to pay.
  const pool = proxy('Make the pool', poolLogic, poolInitialization(deployer, token))
  const rewards = proxy('Make the rewards contract', rewardsLogic, rewardsInitialization(token, pool, options))
  const factory = proxy('Make the factory of pooled stakes', factoryLogic, factoryInitialization(rewards))
  transactions.push(...wiring(rewards, pool, options))
  return { addresses: { token, rewards, pool, factory }, transactions }
}

/** Names the first members, pays their stakes, and opens the contract: in this order, the last two in a transaction each. */
export function planStart(
  { rewards, token }: Pick<StakingAddresses, 'rewards' | 'token'>,
  stakingRequirementAtomic: bigint,
  seedMembers: readonly SeedMember[],
): readonly PlannedTransaction[] {
  const start = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'start' })
  const opening = { step: 'Open the contract; final', to: rewards, data: start }
  if (seedMembers.length === 0) return [opening]
  const seeds: PlannedTransaction[] = []
  for (let first = 0; first < seedMembers.length; first += SEEDED_AT_ONCE) {
    const nodes = seedMembers
      .slice(first, first + SEEDED_AT_ONCE)
      .map((member) => seedParameter(member, stakingRequirementAtomic))
    const data = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'seedPublicKeyList', args: [nodes] })
    seeds.push({ step: `Name ${nodes.length} first members`, to: rewards, data })
  }
  // Seeding takes no tokens, but these members' stakes are owed to them when they exit.
  const stakes = transferData(rewards, stakingRequirementAtomic * BigInt(seedMembers.length))
  return [...seeds, { step: 'Pay their stakes', to: token, data: stakes }, opening]
}

/** A member takes some 300,000 gas, and many chains allow a transaction no more than 16 million. */
const SEEDED_AT_ONCE = 40

/** Gives the pool tokens to pay out as rewards, which count from now on. */
export function planFunding({ pool, token }: Pick<StakingAddresses, 'pool' | 'token'>, amountAtomic: bigint) {
  // Brings the pool's clock up to now: funds must not count as if they had been there since the deployment.
  const payout = encodeFunctionData({ abi: rewardRatePoolAbi, functionName: 'payoutReleased' })
  return [
    { step: "Bring the pool's clock up to now", to: pool, data: payout },
    { step: 'Fund the pool', to: token, data: transferData(pool, amountAtomic) },
  ] as const
}

function wiring(rewards: Hex, pool: Hex, options: StakingOptions): readonly PlannedTransaction[] {
  const abi = serviceNodeRewardsAbi
  const { signatureExpiryS, claimThresholdAtomic, claimCycleS } = options
  return [
    {
      step: 'Have the pool pay to the rewards contract',
      to: pool,
      data: encodeFunctionData({ abi: rewardRatePoolAbi, functionName: 'setBeneficiary', args: [rewards] }),
    },
    {
      step: 'Set how long signatures may be used',
      to: rewards,
      data: encodeFunctionData({ abi, functionName: 'setSignatureExpiry', args: [BigInt(signatureExpiryS)] }),
    },
    {
      step: "Cap a cycle's claims",
      to: rewards,
      data: encodeFunctionData({ abi, functionName: 'setClaimThreshold', args: [claimThresholdAtomic] }),
    },
    {
      step: 'Set the length of a cycle',
      to: rewards,
      data: encodeFunctionData({ abi, functionName: 'setClaimCycle', args: [BigInt(claimCycleS)] }),
    },
  ]
}

function seedParameter({ blsPubkey, ed25519Pubkey, addedTimestampS, operator }: SeedMember, stakedAmount: bigint) {
  const contributors = [{ staker: { addr: operator, beneficiary: operator }, stakedAmount }]
  return { blsPubkey, ed25519Pubkey, addedTimestamp: addedTimestampS, contributors }
}

function poolInitialization(beneficiary: Hex, token: Hex): Hex {
  return encodeFunctionData({ abi: rewardRatePoolAbi, functionName: 'initialize', args: [beneficiary, token] })
}

function rewardsInitialization(token: Hex, pool: Hex, options: StakingOptions): Hex {
  const { liquidator, pool: poolShare, recipient } = options.liquidationRatios
  const { stakingRequirementAtomic, maxContributors } = options
  return encodeFunctionData({
    abi: serviceNodeRewardsAbi,
    functionName: 'initialize',
    args: [token, pool, stakingRequirementAtomic, BigInt(maxContributors), liquidator, poolShare, recipient],
  })
}

function factoryInitialization(rewards: Hex): Hex {
  return encodeFunctionData({ abi: serviceNodeContributionFactoryAbi, functionName: 'initialize', args: [rewards] })
}

function tokenData({ tokenName, tokenSymbol, tokenSupplyAtomic }: StakingOptions, holder: Hex): Hex {
  return encodeDeployData({
    abi: stakingTokenAbi,
    bytecode: tokenArtifact.bytecode as Hex,
    args: [tokenName, tokenSymbol, holder, tokenSupplyAtomic],
  })
}

/** The code behind a proxy; its constructor only locks it. */
function logicData(bytecode: Hex): Hex {
  return encodeDeployData({ abi: parseAbi(['constructor()']), bytecode })
}

/** A proxy, initialised in the transaction that makes it, so that nobody can come in between. */
function proxyData(logic: Hex, adminOwner: Hex, initialization: Hex): Hex {
  return encodeDeployData({
    abi: parseAbi(['constructor(address logic, address initialOwner, bytes data) payable']),
    bytecode: proxyArtifact.bytecode as Hex,
    args: [logic, adminOwner, initialization],
  })
}

function transferData(to: Hex, amountAtomic: bigint): Hex {
  return encodeFunctionData({ abi: stakingTokenAbi, functionName: 'transfer', args: [to, amountAtomic] })
}
