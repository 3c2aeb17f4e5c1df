import type { Hex } from 'viem'
import { defaultStakingOptions } from '../../../contracts/deployment/network-parameters.ts'
import type { ChainClient } from '../../../devnet/chain/chain-client.ts'
import type { StakingDeployment } from '../../../devnet/chain/deployment.ts'
import { readNetworkPreset } from '../../../src/cli/config/flat-configuration.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'

export const SESSION_CHAIN_ID = 42161
/** Where a proxy keeps the address of its code (ERC-1967). */
const IMPLEMENTATION_SLOT = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'

/**
 * Puts a second staking contract where Session's is, on a local chain that has the id of Arbitrum One: there, `--network mainnet` and
 * what commands do beside Session's software can be tried out.
 */
export async function placeSessionContract(client: ChainClient, staking: StakingDeployment): Promise<Hex> {
  const address = String(readNetworkPreset('mainnet')['staking.contract']) as Hex
  const code = await client.getCode({ address: staking.rewards })
  const implementation = await client.getStorageAt({ address: staking.rewards, slot: IMPLEMENTATION_SLOT })
  if (code === undefined || implementation === undefined) throw new Error('There is a proxy')
  await client.setCode({ address, bytecode: code })
  await client.setStorageAt({ address, index: IMPLEMENTATION_SLOT, value: implementation })

  const contract = { address, abi: serviceNodeRewardsAbi } as const
  const { stakingRequirementAtomic, maxContributors, liquidationRatios } = defaultStakingOptions
  const { liquidator, pool, recipient } = liquidationRatios
  const terms = [stakingRequirementAtomic, BigInt(maxContributors), liquidator, pool, recipient] as const
  const args = [staking.token, staking.pool, ...terms] as const
  await mined(client, client.writeContract({ ...contract, functionName: 'initialize', args }))
  await mined(client, client.writeContract({ ...contract, functionName: 'start' }))
  return address
}

async function mined(client: ChainClient, sent: Promise<Hex>): Promise<void> {
  const { status } = await client.waitForTransactionReceipt({ hash: await sent })
  if (status !== 'success') throw new Error('A transaction of the test failed')
}
