import { BaseError, decodeFunctionResult, encodeFunctionData } from 'viem'
import { fromHex, toHex } from '../base/bytes.ts'
import { blsTags } from '../crypto/bls-messages.ts'
import { serviceNodeRewardsAbi } from './abi.ts'
import type { ChainProvider } from './chain-provider.ts'
import { type Hex, malformed } from './chain-reply.ts'
import { StakingError } from './errors.ts'
import type { StakingOptions } from './options.ts'

const TAG_CALL: Hex = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'proofOfPossessionTag' })

/**
 * The contract computes this tag from its chain id and its proxy's address, so one equality proves chain, address, and that the
 * code is a staking contract's.
 * @throws {StakingError} CHAIN_WRONG, CONTRACT_WRONG, PROVIDER_…
 */
export async function requireRightContract(
  provider: ChainProvider,
  options: Pick<StakingOptions, 'chainId' | 'contract'>,
  signal: AbortSignal,
): Promise<void> {
  const details = { host: provider.host, chainId: options.chainId }
  const chainId = await provider.chainId(signal)
  if (chainId !== BigInt(options.chainId)) {
    const message = `The RPC provider ${provider.host} serves chain ${chainId}, not ${options.chainId}`
    throw new StakingError('CHAIN_WRONG', message, { details })
  }
  const head = await provider.block('latest', signal)
  if (head === undefined) throw malformed('no newest block')
  const tag = await readTag(provider, options.contract, head.number, signal)
  if (toHex(tag) !== toHex(blsTags(options.chainId, options.contract).proofOfPossession)) {
    const message = `There is no staking contract of chain ${options.chainId} at ${options.contract} (${provider.host})`
    throw new StakingError('CONTRACT_WRONG', message, { details })
  }
}

/** Empty for anything that is not a tag: an address without code returns nothing, another contract refuses. */
async function readTag(provider: ChainProvider, contract: Hex, at: bigint, signal: AbortSignal): Promise<Uint8Array> {
  try {
    const data = await provider.call({ to: contract, data: TAG_CALL }, at, signal)
    const tag = decodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'proofOfPossessionTag', data })
    return fromHex(tag.slice(2)) ?? new Uint8Array()
  } catch (error) {
    const isOther = error instanceof BaseError || (error instanceof StakingError && error.code === 'CALL_REVERTED')
    if (isOther) return new Uint8Array()
    throw error
  }
}
