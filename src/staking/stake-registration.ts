import { encodeFunctionData } from 'viem'
import { stakingTokenAbi } from './abi.ts'
import type { Hex } from './chain-reply.ts'
import { stakingCallAbi, stakingErrorOf } from './contract-errors.ts'
import { StakingError } from './errors.ts'
import type { OperatorAccount } from './operator-account.ts'
import { transact } from './operator-transaction.ts'
import { type Registration, registrationArguments, registrationCall } from './registration.ts'

/** All that an operator should see before it stakes. Amounts are in the token's atomic units and in wei. */
export interface RegistrationPlan {
  readonly chainId: number
  readonly contract: Hex
  readonly token: Hex
  readonly tokenSymbol: string
  readonly tokenDecimals: number
  readonly operator: Hex
  readonly stakeAtomic: bigint
  readonly balanceAtomic: bigint
  /** Whether the contract must be allowed to take the stake first: a transaction of its own. */
  readonly needsApproval: boolean
  readonly nativeBalanceWei: bigint
  readonly gas: bigint
  readonly gasCostMaxWei: bigint
}

export interface RegistrationReceipt {
  readonly approval: Hex | undefined
  readonly registration: Hex
  readonly blockNumber: bigint
}

export interface StakeTarget {
  readonly chainId: number
  readonly contract: Hex
}

/** What a registration costs beyond what can be estimated: the proof takes one to seven tries, depending on the keys. */
const GAS_MARGIN_PERCENT = 30n
/** Gas of a registration where the provider cannot simulate an approval and what follows it. */
const REGISTRATION_GAS = 2_000_000n

/**
 * Looks at everything that a registration needs and simulates it. Sends nothing.
 * @throws {StakingError} whatever would stop it
 */
export async function planRegistration(
  account: OperatorAccount,
  target: StakeTarget,
  registration: Registration,
): Promise<RegistrationPlan> {
  try {
    const facts = await readFacts(account, target)
    refuseShortfall(facts)
    await requireValidProof(account, target, registration)
    const gas = await simulate(account, target, registration, facts)
    const { maxFeePerGas } = await account.chain.estimateFeesPerGas()
    const gasCostMaxWei = gas * maxFeePerGas
    if (facts.nativeBalanceWei < gasCostMaxWei) {
      const details = { balanceWei: facts.nativeBalanceWei.toString(), neededWei: gasCostMaxWei.toString() }
      throw new StakingError('GAS_FUNDS_INSUFFICIENT', 'The account cannot pay the gas', { details })
    }
    return { ...facts, gas, gasCostMaxWei }
  } catch (error) {
    throw stakingErrorOf(error)
  }
}

/**
 * Sends the approval, if one is needed, and the registration, and waits for both.
 * @throws {StakingError} CONTRACT_REFUSED, KEYS_TAKEN, TRANSACTION_PENDING, …
 */
export async function sendRegistration(
  account: OperatorAccount,
  plan: RegistrationPlan,
  registration: Registration,
): Promise<RegistrationReceipt> {
  try {
    const approval = plan.needsApproval ? await approve(account, plan) : undefined
    const { request } = await account.chain.simulateContract({
      address: plan.contract,
      abi: stakingCallAbi,
      functionName: 'addBLSPublicKey',
      args: registrationArguments(registration),
      account: account.wallet.account,
    })
    // Without the margin, somebody else's registration that comes in between can make this one run out of gas.
    const gas = withGasMargin(await account.chain.estimateContractGas(request))
    const call = { to: plan.contract, data: registrationCall(registration), gas }
    const { hash, blockNumber } = await transact(account, call)
    return { approval, registration: hash, blockNumber }
  } catch (error) {
    throw stakingErrorOf(error)
  }
}

type Facts = Omit<RegistrationPlan, 'gas' | 'gasCostMaxWei'>

async function readFacts(account: OperatorAccount, { chainId, contract }: StakeTarget): Promise<Facts> {
  const { chain, address: operator } = account
  const rewards = { address: contract, abi: stakingCallAbi } as const
  const [isStarted, isPaused, token, stakeAtomic] = await Promise.all([
    chain.readContract({ ...rewards, functionName: 'isStarted' }),
    chain.readContract({ ...rewards, functionName: 'paused' }),
    chain.readContract({ ...rewards, functionName: 'designatedToken' }),
    chain.readContract({ ...rewards, functionName: 'stakingRequirement' }),
  ])
  if (!isStarted) throw new StakingError('CONTRACT_CLOSED', 'The staking contract has not been started')
  if (isPaused) throw new StakingError('CONTRACT_CLOSED', 'The staking contract is paused')
  await refusePendingTransaction(account)
  const erc20 = { address: token, abi: stakingTokenAbi } as const
  const [symbol, tokenDecimals, balanceAtomic, allowance, nativeBalanceWei] = await Promise.all([
    chain.readContract({ ...erc20, functionName: 'symbol' }),
    chain.readContract({ ...erc20, functionName: 'decimals' }),
    chain.readContract({ ...erc20, functionName: 'balanceOf', args: [operator] }),
    chain.readContract({ ...erc20, functionName: 'allowance', args: [operator, contract] }),
    chain.getBalance({ address: operator }),
  ])
  // The name comes from outside and goes to a terminal.
  const tokenSymbol = /^[A-Za-z0-9]{1,16}$/.test(symbol) ? symbol : 'tokens'
  const needsApproval = allowance < stakeAtomic
  return {
    ...{ chainId, contract, token, tokenSymbol, tokenDecimals, operator },
    ...{ stakeAtomic, balanceAtomic, needsApproval, nativeBalanceWei },
  }
}

/** A transaction under way may be a registration that was sent before a crash: what comes of it is to be seen first. */
async function refusePendingTransaction({ chain, address }: OperatorAccount): Promise<void> {
  const [mined, pending] = await Promise.all([
    chain.getTransactionCount({ address, blockTag: 'latest' }),
    chain.getTransactionCount({ address, blockTag: 'pending' }),
  ])
  if (pending > mined) {
    throw new StakingError('TRANSACTION_PENDING', 'A transaction of this account is still under way; wait for it')
  }
}

function refuseShortfall({ balanceAtomic, stakeAtomic, nativeBalanceWei }: Facts): void {
  if (balanceAtomic < stakeAtomic) {
    const details = { balanceAtomic: balanceAtomic.toString(), stakeAtomic: stakeAtomic.toString() }
    throw new StakingError('TOKENS_INSUFFICIENT', 'The account holds too few tokens for the stake', { details })
  }
  if (nativeBalanceWei === 0n) {
    throw new StakingError('GAS_FUNDS_INSUFFICIENT', 'The account holds no ether to pay the gas with')
  }
}

async function requireValidProof(
  account: OperatorAccount,
  target: StakeTarget,
  { blsPubkey, proofOfPossession, serviceNodeParams }: Registration,
): Promise<void> {
  await account.chain.simulateContract({
    address: target.contract,
    abi: stakingCallAbi,
    functionName: 'validateProofOfPossession',
    args: [blsPubkey, proofOfPossession, account.address, serviceNodeParams.serviceNodePubkey],
    account: account.wallet.account,
  })
}

/** The gas of all that is to be sent, from running it on the newest state. */
async function simulate(
  account: OperatorAccount,
  { contract }: StakeTarget,
  registration: Registration,
  { needsApproval, token, stakeAtomic }: Facts,
): Promise<bigint> {
  const register = {
    address: contract,
    abi: stakingCallAbi,
    functionName: 'addBLSPublicKey',
    args: registrationArguments(registration),
    account: account.wallet.account,
  } as const
  if (!needsApproval) return withGasMargin(await account.chain.estimateContractGas(register))
  const approval = await account.chain.estimateContractGas({
    address: token,
    abi: stakingTokenAbi,
    functionName: 'approve',
    args: [contract, stakeAtomic],
    account: account.wallet.account,
  })
  // The stake cannot be taken before the approval is mined. The contract looks at everything else first, so this very refusal
  // shows that all else is well.
  try {
    await account.chain.simulateContract(register)
  } catch (error) {
    const refusal = stakingErrorOf(error)
    if (refusal.details['contractError'] !== 'ERC20InsufficientAllowance') throw refusal
  }
  return withGasMargin(approval) + REGISTRATION_GAS
}

function withGasMargin(gas: bigint): bigint {
  return (gas * (100n + GAS_MARGIN_PERCENT)) / 100n
}

/** Allows exactly the stake, so that nothing else can ever be taken. */
async function approve(account: OperatorAccount, { token, contract, stakeAtomic }: RegistrationPlan): Promise<Hex> {
  const call = { abi: stakingTokenAbi, functionName: 'approve', args: [contract, stakeAtomic] } as const
  await account.chain.simulateContract({ ...call, address: token, account: account.wallet.account })
  const { hash } = await transact(account, { to: token, data: encodeFunctionData(call) })
  return hash
}
