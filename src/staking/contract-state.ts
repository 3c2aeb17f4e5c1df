import { encodeFunctionData, hexToBigInt, keccak256, parseAbi, toEventSelector } from 'viem'
import { serviceNodeRewardsAbi } from './abi.ts'
import { mapBounded } from './bounded-parallel.ts'
import type { ChainProvider } from './chain-provider.ts'
import type { Hex } from './chain-reply.ts'
import { existingBlock } from './epoch-block.ts'
import { StakingError } from './errors.ts'
import { requireUnchanged } from './member-list.ts'
import type { WatchedEvent } from './metrics.ts'
import type { StakingOptions } from './options.ts'

/** The rules of the contract, which its owner may change. */
const PARAMETERS = [
  'VERSION',
  'owner',
  'paused',
  'isStarted',
  'stakingRequirement',
  'maxContributors',
  'signatureExpiry',
  'blsNonSignerThresholdMax',
  'claimThreshold',
  'claimCycle',
  'liquidatorRewardRatio',
  'poolShareOfLiquidationRatio',
  'recipientRatio',
] as const

export type ContractParameter = (typeof PARAMETERS)[number]

/** What the contract is and by which rules, in the state after one block. */
export interface ContractState {
  /** Where its code is: behind a proxy, another address than its own. */
  readonly implementation: Hex
  /** Keccak-256 of that code. */
  readonly code: Hex
  /** Integers in decimal digits, addresses in hex; without those that this code does not have. */
  readonly parameters: Partial<Record<ContractParameter, string>>
}

/** ERC-1967: keccak256("eip1967.proxy.implementation") - 1. */
const IMPLEMENTATION_SLOT: Hex = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'
const NO_ADDRESS: Hex = `0x${'0'.repeat(40)}`

/** @throws {StakingError} PROVIDER_… */
export async function readContractState(
  provider: ChainProvider,
  at: bigint,
  { contract, requestsInFlightMax }: Pick<StakingOptions, 'contract' | 'requestsInFlightMax'>,
  signal: AbortSignal,
): Promise<ContractState> {
  const block = await existingBlock(provider, at, signal)
  const slot = await provider.storage(contract, IMPLEMENTATION_SLOT, at, signal)
  const behindProxy: Hex = `0x${slot.slice(-40)}`
  const implementation = behindProxy === NO_ADDRESS ? (contract.toLowerCase() as Hex) : behindProxy
  const code = keccak256(await provider.code(implementation, at, signal))
  const values = await mapBounded(PARAMETERS, requestsInFlightMax, (name) =>
    readParameter(provider, contract, name, at, signal),
  )
  await requireUnchanged(provider, block, signal)
  const known = PARAMETERS.flatMap((name, place) => {
    const value = values[place]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { implementation, code, parameters: Object.fromEntries(known) }
}

/** Equal for equal states. */
export function contractStateDigest({ implementation, code, parameters }: ContractState): string {
  return JSON.stringify([implementation, code, PARAMETERS.map((name) => parameters[name] ?? null)])
}

/** The parameters in which two states differ. */
export function changedParameters(
  before: ContractState,
  after: ContractState,
): readonly { readonly name: ContractParameter; readonly from: string; readonly to: string }[] {
  return PARAMETERS.flatMap((name) => {
    const [from, to] = [before.parameters[name] ?? 'none', after.parameters[name] ?? 'none']
    return from === to ? [] : [{ name, from, to }]
  })
}

/** One word each; undefined for what other code does not have. */
async function readParameter(
  provider: ChainProvider,
  contract: Hex,
  name: ContractParameter,
  at: bigint,
  signal: AbortSignal,
): Promise<string | undefined> {
  const data = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: name })
  try {
    const word = await provider.call({ to: contract, data }, at, signal)
    if (word.length !== WORD_CHARACTERS) return undefined
    return name === 'owner' ? `0x${word.slice(-40)}` : hexToBigInt(word).toString()
  } catch (error) {
    if (error instanceof StakingError && error.code === 'CALL_REVERTED') return undefined
    throw error
  }
}

/** 0x and 32 bytes. */
const WORD_CHARACTERS = 66

const WATCHED: ReadonlyMap<Hex, WatchedEvent> = new Map(
  parseAbi([
    // Of the proxy (ERC-1967); the others are the contract's own.
    'event Upgraded(address implementation)',
    'event OwnershipTransferred(address previousOwner, address newOwner)',
    'event Paused(address account)',
    'event Unpaused(address account)',
    'event StakingRequirementUpdated(uint256 newRequirement)',
    'event SignatureExpiryUpdated(uint256 newExpiry)',
    'event BLSNonSignerThresholdMaxUpdated(uint256 newMax)',
    'event ClaimThresholdUpdated(uint256 newThreshold)',
    'event ClaimCycleUpdated(uint256 newValue)',
    'event LiquidationRatiosUpdated(uint256 liquidatorRatio, uint256 poolRatio, uint256 recipientRatio)',
  ]).map((event) => [toEventSelector(event), event.name]),
)

export const WATCHED_TOPICS: readonly Hex[] = [...WATCHED.keys()]

export function watchedEventOf(topic: Hex | undefined): WatchedEvent | undefined {
  return topic === undefined ? undefined : WATCHED.get(topic)
}
