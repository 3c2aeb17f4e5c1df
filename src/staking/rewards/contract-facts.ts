import { decodeFunctionResult, encodeFunctionData } from 'viem'
import { serviceNodeRewardsAbi } from '../abi.ts'
import type { ChainProvider } from '../chain-provider.ts'
import type { ChainBlock, Hex } from '../chain-reply.ts'
import { isProviderFault, StakingError } from '../errors.ts'
import { decoded } from '../member-codec.ts'

// What the ledger must know of the contract before it reads logs. Neither changes while the contract exists.

const POOL_CALL: Hex = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'foundationPool' })

/** The pool that rewards are released from: 0x and 40 lower-case hex digits. */
export async function readPool(
  provider: ChainProvider,
  contract: Hex,
  head: ChainBlock,
  signal: AbortSignal,
): Promise<Hex> {
  const data = await provider.call({ to: contract, data: POOL_CALL }, head.number, signal)
  const pool = decoded('the pool', () =>
    decodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'foundationPool', data }),
  )
  return pool.toLowerCase() as Hex
}

/**
 * The first block with the contract, by bisection over the chain's history.
 * @throws {StakingError} DEPLOYMENT_UNKNOWN: the provider does not keep so old a state
 */
export async function findDeployment(
  provider: ChainProvider,
  contract: Hex,
  head: ChainBlock,
  signal: AbortSignal,
): Promise<bigint> {
  let [without, having] = [-1n, head.number]
  try {
    while (having - without > 1n) {
      const middle = (without + having) / 2n
      if (await provider.hasCode(contract, middle, signal)) having = middle
      else without = middle
    }
    return having
  } catch (cause) {
    if (!isProviderFault(cause) || cause.code !== 'PROVIDER_REFUSED') throw cause
    const message = 'The block of the deployment cannot be found without an archive: set staking.deployedBlock'
    throw new StakingError('DEPLOYMENT_UNKNOWN', message, { details: { host: provider.host }, cause })
  }
}
