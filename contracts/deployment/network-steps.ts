import { bytesToHex, type Hex, keccak256, toBytes } from 'viem'
import { blsTags } from '../../src/crypto/bls-messages.ts'
import { rewardRatePoolAbi, serviceNodeRewardsAbi, stakingTokenAbi } from '../../src/staking/abi.ts'
import type { OperatorAccount, OperatorView } from '../../src/staking/operator-account.ts'
import { type PlannedTransaction, planDeployment, planFunding, planStart } from './deployment-plan.ts'
import { type Founder, requireProof } from './founder.ts'
import type { NetworkFile } from './network-file.ts'
import { refuseHazards, refuseTooFew, StakingDeploymentError } from './network-parameters.ts'
import type { NetworkParameters } from './parameters-file.ts'

// The steps by which a network of one's own comes to be: deploy, then start with the first members, then fund the rewards. Each looks
// at everything first, and leaves out what an interrupted attempt has done already.

/** What is left to be sent, by whom, from which nonce on. */
export interface PlannedStep {
  readonly firstNonce: number
  readonly transactions: readonly PlannedTransaction[]
}

/** An unsigned transaction for another program or device. */
export interface UnsignedTransaction extends PlannedTransaction {
  readonly chainId: number
  readonly from: Hex
  readonly nonce: number
  readonly value: '0'
}

const RECEIPT_TIMEOUT_MS = 300_000
/** Of the estimate: what another transaction that comes in between may add. */
const GAS_MARGIN_PERCENT = 20n

/**
 * Plans the contracts. With the network file of an interrupted attempt, the rest of that one.
 * @throws {StakingDeploymentError} HAZARD_…, NETWORK_WRONG
 */
export async function planNetwork(
  { chain, address }: OperatorView,
  parameters: NetworkParameters,
  begun: NetworkFile | undefined,
): Promise<PlannedStep & { readonly network: NetworkFile }> {
  refuseHazards(parameters)
  await requireChain(chain, parameters.chainId)
  const nonce = await chain.getTransactionCount({ address })
  const firstNonce = begun?.firstNonce ?? nonce
  const { addresses, transactions } = planDeployment(parameters, address, firstNonce)
  const plan = keccak256(toBytes(JSON.stringify(transactions)))
  if (begun !== undefined && (begun.plan !== plan || begun.deployer !== address)) {
    throw new StakingDeploymentError('NETWORK_WRONG', 'The network file is of another deployer or other parameters')
  }
  if (nonce > firstNonce && (await chain.getCode({ address: addresses.token })) === undefined) {
    throw new StakingDeploymentError(
      'NETWORK_WRONG',
      'The account was used for something else; begin a new network file',
    )
  }
  const { chainId, epochLengthS, minimumMembers } = parameters
  const deployedBlock = begun?.deployedBlock ?? Number(await chain.getBlockNumber())
  const network = {
    chainId,
    epochLengthS,
    deployedBlock,
    minimumMembers,
    ...addresses,
    deployer: address,
    firstNonce,
    plan,
  }
  return { network, firstNonce: nonce, transactions: transactions.slice(nonce - firstNonce) }
}

/**
 * Plans the start with these first members, after their proofs have been checked. When all is signed beforehand, nobody looks
 * whether the members have been named before the contract is opened: then the opening is left for the next time.
 * @throws {StakingDeploymentError} HAZARD_…, NETWORK_WRONG, PARAMETERS_INVALID
 */
export async function planNetworkStart(
  { chain, address }: OperatorView,
  network: NetworkFile,
  founders: readonly Founder[],
  { isSignedBeforehand = false } = {},
): Promise<PlannedStep & { readonly isOpeningLeft: boolean }> {
  refuseTooFew(founders.length, network.minimumMembers)
  requireDistinct(founders)
  await requireNetwork(chain, network)
  const contract = { address: network.rewards, abi: serviceNodeRewardsAbi } as const
  if (await chain.readContract({ ...contract, functionName: 'isStarted' })) {
    throw new StakingDeploymentError('NETWORK_WRONG', 'The network has been started already')
  }
  for (const founder of founders) await requireProof(chain, network.rewards, founder)
  const unnamed = await withoutNamed(chain, network, founders)
  const requirement = await chain.readContract({ ...contract, functionName: 'stakingRequirement' })
  const stakes = requirement * BigInt(founders.length)
  const isPaid = (await tokensOf(chain, network.token, network.rewards)) >= stakes
  if (!isPaid) await requireTokens(chain, network.token, address, stakes)

  const { timestamp } = await chain.getBlock()
  const planOf = (chosen: readonly Founder[]) =>
    planStart(
      network,
      requirement,
      chosen.map((founder) => ({ ...founder, addedTimestampS: timestamp })),
    )
  const naming = unnamed.length === 0 ? [] : planOf(unnamed).slice(0, -2)
  for (const transaction of naming) await requireAccepted(chain, address, transaction)
  const steps = [...naming, ...(isPaid ? [] : planOf(founders).slice(-2, -1))]
  const isOpeningLeft = isSignedBeforehand && steps.length > 0
  const transactions = isOpeningLeft ? steps : [...steps, ...planOf(founders).slice(-1)]
  return { ...(await nextNonce(chain, address)), transactions, isOpeningLeft }
}

/** The contract refuses a key that it knows, and with it all members of the same transaction. */
function requireDistinct(founders: readonly Founder[]): void {
  const [ed25519, bls] = [
    new Set(founders.map(({ ed25519Pubkey }) => ed25519Pubkey)),
    new Set(founders.map(({ blsPubkey: { X, Y } }) => `${X} ${Y}`)),
  ]
  if (ed25519.size === founders.length && bls.size === founders.length) return
  throw new StakingDeploymentError('PARAMETERS_INVALID', 'Two of the member files have a key in common')
}

/** Simulated before anything is sent or signed: whoever is not the contract's owner would only open an empty contract, or none. */
async function requireAccepted(chain: View, account: Hex, { step, to, data }: PlannedTransaction): Promise<void> {
  try {
    await chain.call({ account, data, ...(to && { to }) })
  } catch (cause) {
    throw new StakingDeploymentError('NETWORK_WRONG', `The contract refuses: ${step}`, { cause })
  }
}

/**
 * Plans tokens for the rewards.
 * @throws {StakingDeploymentError} HAZARD_TOO_FEW_MEMBERS, HAZARD_NO_MEMBERS, NETWORK_WRONG
 */
export async function planNetworkFunding(
  { chain, address }: OperatorView,
  network: NetworkFile,
  amountAtomic: bigint,
): Promise<PlannedStep> {
  await requireNetwork(chain, network)
  const contract = { address: network.rewards, abi: serviceNodeRewardsAbi } as const
  if (!(await chain.readContract({ ...contract, functionName: 'isStarted' }))) {
    throw new StakingDeploymentError('NETWORK_WRONG', 'The network has not been started')
  }
  const members = await chain.readContract({ ...contract, functionName: 'totalNodes' })
  refuseTooFew(Number(members), network.minimumMembers)
  await requireTokens(chain, network.token, address, amountAtomic)
  return { ...(await nextNonce(chain, address)), transactions: planFunding(network, amountAtomic) }
}

/** Sends one after another, each when the one before it succeeded. */
export async function sendStep(
  { chain, wallet, address }: OperatorAccount,
  { firstNonce, transactions }: PlannedStep,
  onDone: (step: string, hash: Hex) => void,
): Promise<void> {
  for (const [index, { step, to, data }] of transactions.entries()) {
    const estimate = await chain.estimateGas({ account: address, data, ...(to && { to }) })
    const gas = (estimate * (100n + GAS_MARGIN_PERCENT)) / 100n
    const hash = await wallet.sendTransaction({ data, gas, nonce: firstNonce + index, ...(to && { to }) })
    const receipt = await chain.waitForTransactionReceipt({ hash, timeout: RECEIPT_TIMEOUT_MS })
    if (receipt.status !== 'success') {
      throw new StakingDeploymentError('TRANSACTION_FAILED', `It failed: ${step}`, { details: { hash } })
    }
    onDone(step, hash)
  }
}

export function unsignedStep(
  { chainId, deployer: from }: Pick<NetworkFile, 'chainId' | 'deployer'>,
  { firstNonce, transactions }: PlannedStep,
): readonly UnsignedTransaction[] {
  return transactions.map((transaction, index) => ({
    ...transaction,
    ...{ chainId, from, nonce: firstNonce + index, value: '0' as const },
  }))
}

type View = OperatorView['chain']

async function requireChain(chain: View, chainId: number): Promise<void> {
  const actual = await chain.getChainId()
  if (actual === chainId) return
  throw new StakingDeploymentError('NETWORK_WRONG', `The provider serves chain ${actual}, not ${chainId}`)
}

/**
 * The tag is computed by the contract from its chain and its own address, so one equality proves both.
 * @throws {StakingDeploymentError} NETWORK_WRONG
 */
export async function requireNetwork(chain: View, { chainId, rewards, token, pool }: NetworkFile): Promise<void> {
  await requireChain(chain, chainId)
  const contract = { address: rewards, abi: serviceNodeRewardsAbi } as const
  const facts = await Promise.all([
    chain.readContract({ ...contract, functionName: 'proofOfPossessionTag' }),
    chain.readContract({ ...contract, functionName: 'designatedToken' }),
    chain.readContract({ ...contract, functionName: 'foundationPool' }),
    chain.readContract({ address: pool, abi: rewardRatePoolAbi, functionName: 'beneficiary' }),
  ]).catch((cause: unknown) => {
    throw new StakingDeploymentError('NETWORK_WRONG', 'The contracts are not there', { cause })
  })
  const expected = [bytesToHex(blsTags(chainId, rewards).proofOfPossession), token, pool, rewards]
  if (facts.every((fact, index) => fact.toLowerCase() === expected[index]?.toLowerCase())) return
  throw new StakingDeploymentError('NETWORK_WRONG', 'The contracts are not those of the network file')
}

/** Those whom no interrupted attempt has named. Others than these must not be there. */
async function withoutNamed(
  chain: View,
  { rewards }: NetworkFile,
  founders: readonly Founder[],
): Promise<readonly Founder[]> {
  const contract = { address: rewards, abi: serviceNodeRewardsAbi } as const
  const total = await chain.readContract({ ...contract, functionName: 'totalNodes' })
  if (total === 0n) return founders
  const ids = await Promise.all(
    founders.map(({ ed25519Pubkey }) =>
      chain.readContract({ ...contract, functionName: 'ed25519ToServiceNodeID', args: [ed25519Pubkey] }),
    ),
  )
  const unnamed = founders.filter((_, index) => ids[index] === 0n)
  if (total === BigInt(founders.length - unnamed.length)) return unnamed
  throw new StakingDeploymentError('NETWORK_WRONG', 'Other members have been named already')
}

async function requireTokens(chain: View, token: Hex, owner: Hex, amount: bigint): Promise<void> {
  const balance = await tokensOf(chain, token, owner)
  if (balance >= amount) return
  const details = { balanceAtomic: balance.toString(), neededAtomic: amount.toString() }
  throw new StakingDeploymentError('NETWORK_WRONG', 'The deployer has too few tokens', { details })
}

function tokensOf(chain: View, token: Hex, owner: Hex): Promise<bigint> {
  return chain.readContract({ address: token, abi: stakingTokenAbi, functionName: 'balanceOf', args: [owner] })
}

async function nextNonce(chain: View, address: Hex): Promise<{ firstNonce: number }> {
  return { firstNonce: await chain.getTransactionCount({ address }) }
}
