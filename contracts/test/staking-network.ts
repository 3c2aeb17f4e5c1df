import { BaseError, ContractFunctionRevertedError, type Hex, toHex } from 'viem'
import { afterEach, beforeEach } from 'vitest'
import { type AnvilAccount, type AnvilOptions, startAnvil } from '../../devnet/chain/anvil.ts'
import { type ChainClient, createChainClient } from '../../devnet/chain/chain-client.ts'
import { deployStaking, type LocalStakingOptions, type StakingDeployment } from '../../devnet/chain/deployment.ts'
import {
  aggregateBlsPublicKeys,
  aggregateBlsSignatures,
  BlsMessage,
  type BlsPublicKey,
  type BlsSecretKey,
  type BlsSignatureParameter,
  blsPublicKey,
  blsPublicKeyParameter,
  blsSign,
  blsSignatureParameter,
  generateBlsSecretKey,
} from '../../src/crypto/bls.ts'
import { type BlsTags, blsTags, proofOfPossessionMessage } from '../../src/crypto/bls-messages.ts'
import {
  rewardRatePoolAbi,
  serviceNodeContributionFactoryAbi,
  serviceNodeRewardsAbi,
  stakingTokenAbi,
} from '../../src/staking/abi.ts'

// A chain with the contracts on it, and members that register and sign as real ones do.

export const STAKE = 25_000_000_000_000n
export const HOUR_S = 3600
export const DAY_S = 86_400

/** What of a stake a contributor owns. */
export interface ContributorParameter {
  readonly staker: { readonly addr: Hex; readonly beneficiary: Hex }
  readonly stakedAmount: bigint
}

/** The keys of a service node, registered or not. */
export interface Keys {
  readonly secretKey: BlsSecretKey
  readonly publicKey: BlsPublicKey
  readonly ed25519: Uint8Array
}

export interface Member extends Keys {
  readonly id: bigint
}

export type StakingNetwork = Awaited<ReturnType<typeof createStakingNetwork>>

/** A fresh Ed25519 public key would do no better: the contract takes any integer but zero. */
export function aKeySet(): Keys {
  const secretKey = generateBlsSecretKey()
  return { secretKey, publicKey: blsPublicKey(secretKey), ed25519: crypto.getRandomValues(new Uint8Array(32)) }
}

export function contributor(addr: Hex, stakedAmount: bigint, beneficiary = addr): ContributorParameter {
  return { staker: { addr, beneficiary }, stakedAmount }
}

/** The members' signature of a message, in the contract's form. */
export function signedBy(members: readonly Keys[], message: Uint8Array, tags: BlsTags): BlsSignatureParameter {
  const hashed = new BlsMessage(message, tags.hashToG2)
  const aggregate = aggregateBlsSignatures(members.map(({ secretKey }) => blsSign(secretKey, hashed)))
  if (aggregate === undefined) throw new Error('Nobody signed')
  return blsSignatureParameter(aggregate)
}

/** The sum of the members' keys as the contract writes it. */
export function aggregateKeyOf(members: readonly Keys[]): { X: bigint; Y: bigint } {
  const sum = aggregateBlsPublicKeys(members.map(({ publicKey }) => publicKey))
  return sum === undefined ? { X: 0n, Y: 0n } : { ...blsPublicKeyParameter(sum) }
}

export async function createStakingNetwork(
  options: Partial<LocalStakingOptions> = {},
  anvilOptions: AnvilOptions = {},
) {
  const anvil = await startAnvil(anvilOptions)
  const [owner, operator, other, stranger] = anvil.accounts.map(({ privateKey }) =>
    createChainClient(anvil, privateKey),
  )
  if (!owner || !operator || !other || !stranger) throw new Error('A chain has more accounts')
  const deployment = await deployStaking(owner, { startsEmpty: true, ...options })
  return {
    ...deployment,
    ...contractsOf(deployment),
    anvil,
    owner,
    operator,
    other,
    stranger,
    tags: blsTags(deployment.chainId, deployment.rewards),
    [Symbol.asyncDispose]: () => anvil[Symbol.asyncDispose](),
  }
}

function contractsOf({ rewards, token, pool, factory }: StakingDeployment) {
  return {
    rewardsContract: { address: rewards, abi: serviceNodeRewardsAbi } as const,
    tokenContract: { address: token, abi: stakingTokenAbi } as const,
    factoryContract: { address: factory, abi: serviceNodeContributionFactoryAbi } as const,
    poolContract: { address: pool, abi: rewardRatePoolAbi } as const,
  }
}

/** The arguments of addBLSPublicKey by which `operator` registers these keys. */
export function registrationOf(
  network: StakingNetwork,
  keys: Keys,
  operator: Hex,
  contributors: ContributorParameter[] = [],
) {
  const message = proofOfPossessionMessage(network.tags, keys.publicKey, operator, keys.ed25519)
  return [
    blsPublicKeyParameter(keys.publicKey),
    signedBy([keys], message, network.tags),
    { serviceNodePubkey: integerOf(keys.ed25519), serviceNodeSignature1: 1n, serviceNodeSignature2: 2n, fee: 1000 },
    contributors,
  ] as const
}

/** Gives an account tokens and lets the contract take them. */
export async function fund(network: StakingNetwork, client: ChainClient, amountAtomic: bigint): Promise<void> {
  const { owner, tokenContract, rewards } = network
  await mined(
    owner,
    owner.writeContract({ ...tokenContract, functionName: 'transfer', args: [client.account.address, amountAtomic] }),
  )
  await mined(
    client,
    client.writeContract({ ...tokenContract, functionName: 'approve', args: [rewards, amountAtomic] }),
  )
}

/** Registers fresh keys by a real transaction. */
export async function register(
  network: StakingNetwork,
  client: ChainClient = network.operator,
  options: { keys?: Keys; contributors?: ContributorParameter[]; stake?: bigint } = {},
): Promise<Member> {
  const keys = options.keys ?? aKeySet()
  await fund(network, client, options.stake ?? STAKE)
  const operator = options.contributors?.[0]?.staker.addr ?? client.account.address
  const args = registrationOf(network, keys, operator, options.contributors)
  await mined(client, client.writeContract({ ...network.rewardsContract, functionName: 'addBLSPublicKey', args }))
  const id = await client.readContract({
    ...network.rewardsContract,
    functionName: 'ed25519ToServiceNodeID',
    args: [integerOf(keys.ed25519)],
  })
  return { ...keys, id }
}

export async function registerMany(network: StakingNetwork, count: number): Promise<Member[]> {
  const members: Member[] = []
  while (members.length < count) members.push(await register(network))
  return members
}

/** The receipt of a transaction that succeeded. */
export async function mined(client: ChainClient, sent: Promise<Hex>) {
  const receipt = await client.waitForTransactionReceipt({ hash: await sent })
  if (receipt.status !== 'success') throw new Error('The transaction failed')
  return receipt
}

/** The name and the arguments of the custom error by which a call fails. */
export async function revertOf(call: Promise<unknown>): Promise<readonly unknown[]> {
  try {
    await call
  } catch (error) {
    const cause =
      error instanceof BaseError ? error.walk((inner) => inner instanceof ContractFunctionRevertedError) : error
    if (cause instanceof ContractFunctionRevertedError && cause.data) {
      return [cause.data.errorName, ...(cause.data.args ?? [])]
    }
    throw error
  }
  throw new Error('The call succeeded')
}

/** Every test of the file starts from the chain as it is after the file's beforeAll. */
export function restoreAfterEach(network: () => StakingNetwork): void {
  let id: Hex
  beforeEach(async () => {
    id = await network().owner.snapshot()
  })
  afterEach(() => network().owner.revert({ id }))
}

/** Moves the chain's clock on and mines a block. */
export async function passTime({ owner }: StakingNetwork, seconds: number): Promise<void> {
  await owner.increaseTime({ seconds })
  await owner.mine({ blocks: 1 })
}

/** Mines a block with this timestamp, at which calls are judged until the next one. */
export async function mineAt({ owner }: StakingNetwork, timestampS: number): Promise<void> {
  await owner.setNextBlockTimestamp({ timestamp: BigInt(timestampS) })
  await owner.mine({ blocks: 1 })
}

/** The chain's clock. */
export async function nowS({ owner }: StakingNetwork): Promise<number> {
  return Number((await owner.getBlock()).timestamp)
}

export function balanceOf({ owner, tokenContract }: StakingNetwork, address: Hex): Promise<bigint> {
  return owner.readContract({ ...tokenContract, functionName: 'balanceOf', args: [address] })
}

export function integerOf(bytes: Uint8Array): bigint {
  return BigInt(toHex(bytes))
}

export function accountAt({ anvil }: StakingNetwork, index: number): AnvilAccount {
  const account = anvil.accounts[index]
  if (account === undefined) throw new Error('The chain has fewer accounts')
  return account
}
