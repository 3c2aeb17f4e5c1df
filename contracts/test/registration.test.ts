import { parseEventLogs } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceNodeRewardsAbi } from '../../src/staking/abi.ts'
import {
  aKeySet,
  createStakingNetwork,
  fund,
  integerOf,
  mined,
  register,
  registrationOf,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'

let network: StakingNetwork
beforeAll(async () => {
  network = await createStakingNetwork()
})
afterAll(() => network[Symbol.asyncDispose]())

test('an operator registers a service node with its own stake', async () => {
  const keys = aKeySet()
  await fund(network, network.operator, STAKE)
  const args = registrationOf(network, keys, network.operator.account.address)
  const receipt = await mined(
    network.operator,
    network.operator.writeContract({ ...network.rewardsContract, functionName: 'addBLSPublicKey', args }),
  )
  console.log(receipt.gasUsed, parseEventLogs({ abi: serviceNodeRewardsAbi, logs: receipt.logs }))
})
