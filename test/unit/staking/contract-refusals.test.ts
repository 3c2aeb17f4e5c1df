import { ContractFunctionRevertedError, encodeErrorResult, parseAbi } from 'viem'
import { expect, test } from 'vitest'
import {
  rewardRatePoolAbi,
  serviceNodeContributionAbi,
  serviceNodeContributionFactoryAbi,
  serviceNodeRewardsAbi,
  stakingTokenAbi,
} from '../../../src/staking/abi.ts'
import { stakingCallAbi, stakingErrorOf } from '../../../src/staking/contract-errors.ts'
import { CONTRACT_REFUSALS } from '../../../src/staking/contract-refusals.ts'

const abis = [
  ...rewardRatePoolAbi,
  ...serviceNodeContributionAbi,
  ...serviceNodeContributionFactoryAbi,
  ...serviceNodeRewardsAbi,
  ...stakingTokenAbi,
]
const names = [...new Set(abis.flatMap((item) => (item.type === 'error' ? [item.name] : [])))]

/** What Session's contracts may answer besides (the list of their interface). */
const SESSION_ONLY = ['AddressEmptyCode', 'AddressInsufficientBalance', 'FailedInnerCall']

test('every error of every contract has a sentence of its own', () => {
  expect(Object.keys(CONTRACT_REFUSALS).sort()).toEqual([...names, ...SESSION_ONLY].sort())
  const sentences = Object.values(CONTRACT_REFUSALS).map(({ sentence }) => sentence)
  expect(new Set(sentences).size).toBe(sentences.length)
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z][^\n]{10,}[^.]$/)
})

function told(errorName: 'LeaveRequestTooEarly' | 'WithdrawTooEarly', args: readonly [bigint, bigint, bigint]) {
  const data = encodeErrorResult({ abi: stakingCallAbi, errorName, args })
  return stakingErrorOf(new ContractFunctionRevertedError({ abi: stakingCallAbi, data, functionName: 'any' }))
}

test('an error that knows a moment tells it', () => {
  expect(told('LeaveRequestTooEarly', [3n, 1_800_000_000n, 1_700_000_000n])).toMatchObject({
    code: 'WAIT_NOT_OVER',
    message: 'The wait after the exit request is not over; wait until 2027-01-15 08:00 UTC (LeaveRequestTooEarly)',
    details: { contractError: 'LeaveRequestTooEarly' },
  })
  expect(told('WithdrawTooEarly', [1_800_000_000n, 1n, 86_400n]).message).toContain('until 2027-01-16 08:00 UTC')
  expect(told('LeaveRequestTooEarly', [3n, 2n ** 255n, 0n]).message).not.toContain('until')
})

test('a reason in words is passed on, without what a terminal would obey', () => {
  const reverted = (reason: string) => {
    const data = encodeErrorResult({ abi: parseAbi(['error Error(string)']), errorName: 'Error', args: [reason] })
    return stakingErrorOf(new ContractFunctionRevertedError({ abi: stakingCallAbi, data, functionName: 'any' }))
  }
  expect(reverted('BLS: pairing failed')).toMatchObject({
    code: 'CONTRACT_REFUSED',
    message: 'The contract refuses the call (it says: BLS: pairing failed)',
  })
  expect(reverted(`\u001b[2J${'x'.repeat(1000)}`).message).toMatch(
    /^The contract refuses the call \(it says: \?\[2Jx+\)$/,
  )
  expect(reverted('x'.repeat(1000)).message.length).toBeLessThan(200)
})
