import { encodeFunctionData, type Hash, type Hex, parseAbi } from 'viem'
import poolArtifact from '../../contracts/artifacts/RewardRatePool.json' with { type: 'json' }
import rewardsArtifact from '../../contracts/artifacts/ServiceNodeRewards.json' with { type: 'json' }
import tokenArtifact from '../../contracts/artifacts/StakingToken.json' with { type: 'json' }
import proxyArtifact from '../../contracts/artifacts/TransparentUpgradeableProxy.json' with { type: 'json' }
import { CodedError } from '../../src/base/coded-error.ts'
import { rewardRatePoolAbi, serviceNodeRewardsAbi, stakingTokenAbi } from '../../src/staking/abi.ts'
import type { ChainClient } from './chain-client.ts'

// Deploys a staking contract of one's own, in an order in which nobody can take what is not theirs: the rewards contract holds
// nothing but the members' own stakes until there are enough members to govern it.
//
//     token -> rewards proxy (own tags) -> pool proxy -> wire -> [seed] -> start -> members register -> fundPool

export interface SeedMember {
  readonly blsPubkey: { readonly X: bigint; readonly Y: bigint }
  readonly ed25519Pubkey: bigint
  readonly addedTimestampS: bigint
  readonly operator: Hex
}

export interface StakingOptions {
  readonly tokenName: string
  readonly tokenSymbol: string
  /** All tokens there will ever be; they belong to the deployer. */
  readonly tokenSupplyAtomic: bigint
  readonly stakingRequirementAtomic: bigint
  readonly maxContributors: number
  /** Parts of a liquidated stake: the caller's, the pool's, and what the contributors keep. */
  readonly liquidationRatios: { readonly liquidator: bigint; readonly pool: bigint; readonly recipient: bigint }
  /** How long after its timestamp an exit signature may be used. */
  readonly signatureExpiryS: number
  /** At most this much leaves by claims in one cycle. */
  readonly claimThresholdAtomic: bigint
  readonly claimCycleS: number
  /** No rewards are put under the members' control before there are so many. */
  readonly minimumMembers: number
  /** Members to name before the start, whose proofs of possession the deployer has checked. None: all register themselves. */
  readonly seedMembers: readonly SeedMember[]
  /** Who may upgrade the contracts; the deployer by default. */
  readonly proxyAdminOwner: Hex | undefined
}

const TOKEN = 1_000_000_000n

export const defaultStakingOptions: StakingOptions = {
  tokenName: 'Starling Test Token',
  tokenSymbol: 'STAR',
  tokenSupplyAtomic: 240_000_000n * TOKEN,
  stakingRequirementAtomic: 25_000n * TOKEN,
  maxContributors: 10,
  liquidationRatios: { liquidator: 3n, pool: 17n, recipient: 9980n },
  signatureExpiryS: 600,
  claimThresholdAtomic: 1_000_000n * TOKEN,
  claimCycleS: 12 * 60 * 60,
  minimumMembers: 4,
  seedMembers: [],
  proxyAdminOwner: undefined,
}

export interface StakingDeployment {
  readonly chainId: number
  /** The proxy of ServiceNodeRewards: the address that makes the network's id. */
  readonly rewards: Hex
  readonly token: Hex
  /** The proxy of RewardRatePool. */
  readonly pool: Hex
  /** The block from which on the contract's events are found. */
  readonly deployedAtBlock: bigint
  /** Gives the pool tokens to pay out as rewards. Refused while there are fewer than `minimumMembers`. */
  fundPool(amountAtomic: bigint): Promise<void>
}

export type StakingDeploymentErrorCode =
  /** With fewer than four members none may be silent: one dead node blocks every exit and claim. */
  | 'HAZARD_MINIMUM_MEMBERS'
  /** The seeded members, or those registered when the pool is to be funded, are fewer than the minimum. */
  | 'HAZARD_TOO_FEW_MEMBERS'
  /** The supply does not cover the minimum of stakes, so the network could never be governed safely. */
  | 'HAZARD_SUPPLY_TOO_SMALL'
  /** One cycle's claims could not even return one stake, so it would come back in parts, against everybody's claims. */
  | 'HAZARD_CLAIM_THRESHOLD'
  /** A transaction was mined but failed. */
  | 'TRANSACTION_FAILED'

export class StakingDeploymentError extends CodedError<StakingDeploymentErrorCode> {}

/** Threshold floor(n / 3) is 1 from three members on; a fourth lets one leave without losing that. */
const MINIMUM_MEMBERS_MIN = 4

/** Deploys, wires and starts the staking contracts with `client`'s account as owner. */
export async function deployStaking(
  client: ChainClient,
  overrides: Partial<StakingOptions> = {},
): Promise<StakingDeployment> {
  const options = { ...defaultStakingOptions, ...overrides }
  refuseHazards(options)
  const deployedAtBlock = await client.getBlockNumber()
  const owner = client.account.address
  const adminOwner = options.proxyAdminOwner ?? owner

  const token = await deployed(client, await deployToken(client, options))
  const poolLogic = await deployed(client, await deployLogic(client, poolArtifact.bytecode as Hex))
  const rewardsLogic = await deployed(client, await deployLogic(client, rewardsArtifact.bytecode as Hex))

  // The two refer to each other. The pool starts with its deployer as beneficiary and nothing to pay.
  const pool = await deployProxy(client, poolLogic, adminOwner, poolInitialization(owner, token))
  const rewards = await deployProxy(client, rewardsLogic, adminOwner, rewardsInitialization(token, pool, options))
  await succeeded(client, client.writeContract({ ...poolCall(pool), functionName: 'setBeneficiary', args: [rewards] }))
  await configureAndStart(client, rewards, token, options)

  return {
    chainId: client.chain.id,
    rewards,
    token,
    pool,
    deployedAtBlock,
    async fundPool(amountAtomic) {
      const members = await client.readContract({
        address: rewards,
        abi: serviceNodeRewardsAbi,
        functionName: 'totalNodes',
      })
      refuseTooFew(Number(members), options.minimumMembers)
      // Brings the pool's clock up to now: funds must not count as if they had been there since the deployment.
      await succeeded(client, client.writeContract({ ...poolCall(pool), functionName: 'payoutReleased' }))
      await transfer(client, token, pool, amountAtomic)
    },
  }
}

/**
 * A payment costs more when the clock has moved on since the one before. An estimate made in the same second as that one would not
 * suffice for a block that comes in the next.
 */
function poolCall(address: Hex) {
  return { address, abi: rewardRatePoolAbi, gas: POOL_CALL_GAS } as const
}

const POOL_CALL_GAS = 300_000n

function refuseHazards(options: StakingOptions): void {
  if (options.minimumMembers < MINIMUM_MEMBERS_MIN) {
    throw new StakingDeploymentError('HAZARD_MINIMUM_MEMBERS', `A network needs ${MINIMUM_MEMBERS_MIN} members or more`)
  }
  if (options.seedMembers.length > 0) refuseTooFew(options.seedMembers.length, options.minimumMembers)
  if (options.tokenSupplyAtomic < options.stakingRequirementAtomic * BigInt(options.minimumMembers)) {
    throw new StakingDeploymentError('HAZARD_SUPPLY_TOO_SMALL', 'The supply does not cover the minimum of stakes')
  }
  if (options.claimThresholdAtomic < options.stakingRequirementAtomic) {
    throw new StakingDeploymentError('HAZARD_CLAIM_THRESHOLD', 'A returned stake could not be claimed in one cycle')
  }
}

function refuseTooFew(members: number, minimum: number): void {
  if (members >= minimum) return
  throw new StakingDeploymentError('HAZARD_TOO_FEW_MEMBERS', 'There are too few members to govern the rewards', {
    details: { members, minimum },
  })
}

async function configureAndStart(
  client: ChainClient,
  rewards: Hex,
  token: Hex,
  options: StakingOptions,
): Promise<void> {
  const contract = { address: rewards, abi: serviceNodeRewardsAbi } as const
  const send = (hash: Promise<Hash>) => succeeded(client, hash)
  const { signatureExpiryS, claimThresholdAtomic, claimCycleS, seedMembers, stakingRequirementAtomic } = options
  await send(
    client.writeContract({ ...contract, functionName: 'setSignatureExpiry', args: [BigInt(signatureExpiryS)] }),
  )
  await send(client.writeContract({ ...contract, functionName: 'setClaimThreshold', args: [claimThresholdAtomic] }))
  await send(client.writeContract({ ...contract, functionName: 'setClaimCycle', args: [BigInt(claimCycleS)] }))
  if (seedMembers.length > 0) {
    const nodes = seedMembers.map((member) => seedParameter(member, stakingRequirementAtomic))
    await send(client.writeContract({ ...contract, functionName: 'seedPublicKeyList', args: [nodes] }))
    // Seeding takes no tokens, but these members' stakes are owed to them when they exit.
    await transfer(client, token, rewards, stakingRequirementAtomic * BigInt(seedMembers.length))
  }
  await send(client.writeContract({ ...contract, functionName: 'start' }))
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

function deployToken(
  client: ChainClient,
  { tokenName, tokenSymbol, tokenSupplyAtomic }: StakingOptions,
): Promise<Hash> {
  return client.deployContract({
    abi: stakingTokenAbi,
    bytecode: tokenArtifact.bytecode as Hex,
    args: [tokenName, tokenSymbol, client.account.address, tokenSupplyAtomic],
  })
}

/** The code behind a proxy; its constructor only locks it. */
function deployLogic(client: ChainClient, bytecode: Hex): Promise<Hash> {
  return client.deployContract({ abi: parseAbi(['constructor()']), bytecode })
}

/** A proxy, initialised in the transaction that makes it, so that nobody can come in between. */
async function deployProxy(client: ChainClient, logic: Hex, adminOwner: Hex, initialization: Hex): Promise<Hex> {
  const hash = await client.deployContract({
    abi: parseAbi(['constructor(address logic, address initialOwner, bytes data) payable']),
    bytecode: proxyArtifact.bytecode as Hex,
    args: [logic, adminOwner, initialization],
  })
  return await deployed(client, hash)
}

function transfer(client: ChainClient, token: Hex, to: Hex, amountAtomic: bigint): Promise<unknown> {
  return succeeded(
    client,
    client.writeContract({ address: token, abi: stakingTokenAbi, functionName: 'transfer', args: [to, amountAtomic] }),
  )
}

async function deployed(client: ChainClient, hash: Hash): Promise<Hex> {
  const { contractAddress } = await succeeded(client, Promise.resolve(hash))
  if (!contractAddress) throw new StakingDeploymentError('TRANSACTION_FAILED', 'No contract was made')
  return contractAddress
}

async function succeeded(client: ChainClient, sent: Promise<Hash>) {
  const hash = await sent
  const receipt = await client.waitForTransactionReceipt({ hash })
  if (receipt.status === 'success') return receipt
  throw new StakingDeploymentError('TRANSACTION_FAILED', 'A transaction failed', { details: { hash } })
}
