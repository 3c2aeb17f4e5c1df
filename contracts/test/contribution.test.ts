import { type Hex, parseEventLogs } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChainClient, createChainClient } from '../../devnet/chain/chain-client.ts'
import { blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import { exitMessage, rewardMessage } from '../../src/crypto/bls-messages.ts'
import {
  allow,
  contribute,
  contribution,
  deployPool,
  eventsOf,
  NOBODY,
  type PooledStake,
  plainCall,
  QUARTER,
  STATUS,
  send,
  type Terms,
} from './pooled-stake.ts'
import {
  accountAt,
  aggregateKeyOf,
  balanceOf,
  contributor,
  createStakingNetwork,
  DAY_S,
  HOUR_S,
  integerOf,
  mineAt,
  mined,
  nowS,
  passTime,
  registerMany,
  registrationOf,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
  signedBy,
} from './staking-network.ts'

/** What nine places leave as the least for one of them. */
const MINIMUM = STAKE / 12n + 1n
const REST = STAKE - QUARTER

let network: StakingNetwork
let pool: PooledStake
let operator: ChainClient
let other: ChainClient
let stranger: ChainClient

beforeAll(async () => {
  network = await createStakingNetwork({}, { accountCount: 16 })
  ;({ operator, other, stranger } = network)
  pool = await deployPool(network)
  await allow(network, pool.address, [operator, other, stranger])
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

/** A contract on other terms, which may take everybody's tokens. */
async function poolWith(terms: Partial<Terms>): Promise<PooledStake> {
  const made = await deployPool(network, terms)
  await allow(network, made.address, [operator, other, stranger])
  return made
}

const addressOf = ({ account }: ChainClient) => account.address
const statusOf = (of = pool) => network.owner.readContract({ ...of.contract, functionName: 'status' })
const total = (of = pool) => network.owner.readContract({ ...of.contract, functionName: 'totalContribution' })
const contributions = (of = pool) => network.owner.readContract({ ...of.contract, functionName: 'getContributions' })
const refusal = (client: ChainClient, amount: bigint, of = pool) =>
  revertOf(client.simulateContract(contribution(of, amount)))
const namesOf = (receipt: Awaited<ReturnType<typeof contribute>>, of = pool) =>
  eventsOf(receipt, of.contract).map(([name]) => name)

async function setRequirement(requirement: bigint): Promise<void> {
  const { owner, rewardsContract } = network
  const set = { ...rewardsContract, functionName: 'setStakingRequirement', args: [requirement] } as const
  await mined(owner, owner.writeContract(set))
}

describe('contributing', () => {
  test('the operator opens the stake to others with a quarter or more', async () => {
    expect(await refusal(operator, QUARTER - 1n)).toEqual(['ContributionBelowMinAmount', QUARTER - 1n, QUARTER])
    const before = await balanceOf(network, addressOf(operator))
    const receipt = await contribute(operator, pool, QUARTER, addressOf(other))
    expect(eventsOf(receipt, pool.contract)).toEqual([
      ['OpenForPublicContribution', undefined],
      ['NewContribution', { contributor: addressOf(operator), beneficiary: addressOf(other), amount: QUARTER }],
    ])
    expect(await statusOf()).toBe(STATUS.open)
    expect(await balanceOf(network, addressOf(operator))).toBe(before - QUARTER)
    expect(await balanceOf(network, pool.address)).toBe(QUARTER)
    const call = { ...pool.contract, functionName: 'operatorContribution' } as const
    expect(await network.owner.readContract(call)).toBe(QUARTER)
  })

  test('nobody pays before the operator', async () => {
    expect(await refusal(other, QUARTER)).toEqual([
      'FirstContributionMustBeOperator',
      addressOf(other),
      addressOf(operator),
    ])
  })

  test('others pay so much that the places left suffice', async () => {
    await contribute(operator, pool, QUARTER)
    expect(await refusal(other, MINIMUM - 1n)).toEqual(['ContributionBelowMinAmount', MINIMUM - 1n, MINIMUM])
    await contribute(other, pool, MINIMUM)
    expect(await contributions()).toEqual([
      [addressOf(operator), addressOf(other)],
      [addressOf(operator), addressOf(other)],
      [QUARTER, MINIMUM],
    ])
    const length = { ...pool.contract, functionName: 'contributorAddressesLength' } as const
    expect(await network.owner.readContract(length)).toBe(2n)
    for (const functionName of ['contributorAddresses', '_contributorAddresses'] as const) {
      const entry = await network.owner.readContract({ ...pool.contract, functionName, args: [1n] })
      expect(Object.values(entry)).toEqual([addressOf(other), addressOf(other)])
    }
  })

  test('who has paid may add anything but nothing', async () => {
    await contribute(operator, pool, QUARTER)
    expect(await refusal(operator, 0n)).toEqual(['ContributionBelowMinAmount', 0n, 1n])
    await contribute(operator, pool, 1n)
    expect(await contributions()).toEqual([[addressOf(operator)], [addressOf(operator)], [QUARTER + 1n]])
  })

  test('nobody pays more than is missing', async () => {
    await contribute(operator, pool, QUARTER)
    const error = ['ContributionExceedsStakingRequirement', STAKE + 1n, 0n, STAKE]
    expect(await refusal(other, REST + 1n)).toEqual(error)
    expect(await refusal(operator, REST + 1n)).toEqual(error)
  })

  test('a place is not to be had for nothing, even when all the rest is reserved', async () => {
    const reserved = [
      { addr: addressOf(operator), amount: QUARTER },
      { addr: addressOf(other), amount: REST },
    ]
    const pledged = await poolWith({ reserved })
    await contribute(operator, pledged, QUARTER)
    expect(await refusal(stranger, 0n, pledged)).toEqual(['ContributionBelowMinAmount', 0n, 1n])
    expect(await refusal(stranger, 1n, pledged)).toEqual([
      'ContributionExceedsStakingRequirement',
      QUARTER + 1n,
      REST,
      STAKE,
    ])
  })

  test('as many may pay as the contract of stakes allows, and the dust of one more is refused', async () => {
    await contribute(operator, pool, QUARTER)
    for (let index = 6; index < 14; index++) {
      const client = createChainClient(network.anvil, accountAt(network, index).privateKey)
      await allow(network, pool.address, [client])
      await contribute(client, pool, MINIMUM)
    }
    const rest = REST - 8n * MINIMUM
    const call = { ...pool.contract, functionName: 'minimumContribution' } as const
    expect(await network.owner.readContract(call)).toBe(rest)
    expect(await refusal(other, rest - 1n)).toEqual(['ContributionBelowMinAmount', rest - 1n, rest])
    await contribute(other, pool, rest)
    expect(await statusOf()).toBe(STATUS.finalized)
    const node = await network.owner.readContract({
      ...network.rewardsContract,
      functionName: 'serviceNodes',
      args: [1n],
    })
    expect(node.contributors).toHaveLength(10)
  })

  test('without tokens, or the permission to take them, there is no contribution', async () => {
    const poor = createChainClient(network.anvil, accountAt(network, 5).privateKey)
    await contribute(operator, pool, QUARTER)
    const [name] = await refusal(poor, QUARTER)
    expect(name).toBe('ERC20InsufficientAllowance')
    const { tokenContract } = network
    const approve = { ...tokenContract, functionName: 'approve', args: [pool.address, STAKE] } as const
    await mined(poor, poor.writeContract(approve))
    expect((await refusal(poor, QUARTER))[0]).toBe('ERC20InsufficientBalance')
  })

  test('the time of the last payment is known', async () => {
    await contribute(operator, pool, QUARTER)
    const call = { ...pool.contract, functionName: 'contributionTimestamp', args: [addressOf(operator)] } as const
    expect(await network.owner.readContract(call)).toBe(BigInt(await nowS(network)))
  })
})

describe('reservations', () => {
  const half = STAKE / 2n
  const reservedFor = (client: ChainClient, amount: bigint) => [
    { addr: addressOf(operator), amount: QUARTER },
    { addr: addressOf(client), amount },
  ]

  test('are kept for their owner, who pays them whole or more', async () => {
    const pledged = await poolWith({ reserved: reservedFor(other, half) })
    expect(await refusal(operator, QUARTER - 1n, pledged)).toEqual([
      'ContributionBelowReservedAmount',
      QUARTER - 1n,
      QUARTER,
    ])
    await contribute(operator, pledged, QUARTER)
    expect(await refusal(stranger, QUARTER + 1n, pledged)).toEqual([
      'ContributionExceedsStakingRequirement',
      half + 1n,
      half,
      STAKE,
    ])
    expect(await refusal(other, half - 1n, pledged)).toEqual(['ContributionBelowReservedAmount', half - 1n, half])
    await contribute(other, pledged, half + 1n)
    expect(await total(pledged)).toBe(QUARTER + half + 1n)
    const call = { ...pledged.contract, functionName: 'totalReservedContribution' } as const
    expect(await network.owner.readContract(call)).toBe(0n)
  })

  test('keep places too', async () => {
    const share = (STAKE * 3n) / 4n / 9n + 1n
    const reserved = Array.from({ length: 9 }, (_, index) => ({
      addr: index === 0 ? addressOf(operator) : accountAt(network, 4 + index).address,
      amount: index === 0 ? QUARTER : share,
    }))
    const pledged = await poolWith({ reserved })
    await contribute(operator, pledged, QUARTER)
    const rest = REST - 8n * share
    await contribute(other, pledged, rest)
    expect(await refusal(stranger, 1n, pledged)).toEqual(['MaxContributorsExceeded', 10n])
    const minimum = { ...pledged.contract, functionName: 'minimumContribution' } as const
    expect(await revertOf(stranger.readContract(minimum))).toEqual(['CalcMinContributionGivenBadContribArgs', 10n, 10n])
  })

  test('hold again when their owner withdraws', async () => {
    const pledged = await poolWith({ reserved: reservedFor(other, half) })
    await contribute(operator, pledged, QUARTER)
    await contribute(other, pledged, half)
    await passTime(network, DAY_S)
    await send(other, pledged, 'withdrawContribution')
    const call = { ...pledged.contract, functionName: 'getReserved' } as const
    expect((await network.owner.readContract(call))[2]).toEqual([true, false])
    expect((await refusal(stranger, QUARTER + 1n, pledged))[0]).toBe('ContributionExceedsStakingRequirement')
    await contribute(other, pledged, half)
  })
})

describe('withdrawing', () => {
  async function both() {
    await contribute(operator, pool, QUARTER)
    await contribute(other, pool, QUARTER)
  }

  test('a contributor takes its part back a day after it paid last', async () => {
    await both()
    await passTime(network, HOUR_S)
    await contribute(other, pool, 1n)
    const paidAt = await nowS(network)
    await mineAt(network, paidAt + DAY_S - 1)
    const call = plainCall(pool, 'withdrawContribution')
    expect(await revertOf(other.simulateContract(call))).toEqual([
      ...['WithdrawTooEarly', BigInt(paidAt), BigInt(paidAt + DAY_S - 1), BigInt(DAY_S)],
    ])
    await mineAt(network, paidAt + DAY_S)
    const before = await balanceOf(network, addressOf(other))
    const receipt = await send(other, pool, 'withdrawContribution')
    const event = { contributor: addressOf(other), amount: QUARTER + 1n }
    expect(eventsOf(receipt, pool.contract)).toEqual([['WithdrawContribution', event]])
    expect(await balanceOf(network, addressOf(other))).toBe(before + QUARTER + 1n)
    expect(await contributions()).toEqual([[addressOf(operator)], [addressOf(operator)], [QUARTER]])
    const again = await revertOf(other.simulateContract(call))
    expect(again).toEqual(['NothingToWithdraw', addressOf(other)])
  })

  test('who paid nothing takes nothing', async () => {
    await both()
    expect(await revertOf(stranger.simulateContract(plainCall(pool, 'withdrawContribution')))).toEqual([
      'NothingToWithdraw',
      addressOf(stranger),
    ])
  })

  test("the operator's withdrawal gives everybody's back, at any time", async () => {
    await both()
    const [first, second] = [await balanceOf(network, addressOf(operator)), await balanceOf(network, addressOf(other))]
    const receipt = await send(operator, pool, 'withdrawContribution')
    expect(eventsOf(receipt, pool.contract)).toEqual([
      ['Reset', undefined],
      ['WithdrawContribution', { contributor: addressOf(other), amount: QUARTER }],
      ['WithdrawContribution', { contributor: addressOf(operator), amount: QUARTER }],
    ])
    expect(await balanceOf(network, addressOf(operator))).toBe(first + QUARTER)
    expect(await balanceOf(network, addressOf(other))).toBe(second + QUARTER)
    expect(await balanceOf(network, pool.address)).toBe(0n)
    expect(await statusOf()).toBe(STATUS.waitForOperator)
    expect(await contributions()).toEqual([[], [], []])
    await contribute(operator, pool, QUARTER)
    expect(await statusOf()).toBe(STATUS.open)
  })

  test('the order of the others may change, the operator stays the first', async () => {
    await both()
    await contribute(stranger, pool, QUARTER)
    await passTime(network, DAY_S)
    await send(other, pool, 'withdrawContribution')
    expect((await contributions())[0]).toEqual([addressOf(operator), addressOf(stranger)])
    await contribute(other, pool, QUARTER)
    expect((await contributions())[0]).toEqual([addressOf(operator), addressOf(stranger), addressOf(other)])
  })
})

describe('a beneficiary', () => {
  test('is the contributor unless it names another, and may change until the registration', async () => {
    await contribute(operator, pool, QUARTER)
    const update = (beneficiary: Hex) =>
      ({ ...pool.contract, functionName: 'updateBeneficiary', args: [beneficiary] }) as const
    const receipt = await mined(operator, operator.writeContract(update(addressOf(other))))
    const event = { staker: addressOf(operator), newBeneficiary: addressOf(other) }
    expect(eventsOf(receipt, pool.contract)).toEqual([['UpdateStakerBeneficiary', event]])
    expect((await contributions())[1]).toEqual([addressOf(other)])
    // Paying more without naming one keeps it.
    await contribute(operator, pool, 1n)
    expect((await contributions())[1]).toEqual([addressOf(other)])
    expect(namesOf(await contribute(operator, pool, 1n, addressOf(stranger)))).toContain('UpdateStakerBeneficiary')
    expect((await contributions())[1]).toEqual([addressOf(stranger)])
    await mined(operator, operator.writeContract(update(NOBODY)))
    expect((await contributions())[1]).toEqual([addressOf(operator)])

    expect(await revertOf(stranger.simulateContract(update(addressOf(stranger))))).toEqual([
      'NonContributorUpdatedBeneficiary',
      addressOf(stranger),
    ])
    await contribute(other, pool, REST - 2n)
    expect(await revertOf(other.simulateContract(update(addressOf(stranger))))).toEqual([
      'BeneficiaryUpdatingDisabledNodeIsNotOpen',
      integerOf(pool.ed25519),
    ])
  })
})

describe('registering', () => {
  test('the last contribution registers the service node, with everybody its own part', async () => {
    await contribute(operator, pool, QUARTER, addressOf(stranger))
    const receipt = await contribute(other, pool, REST)
    expect(namesOf(receipt)).toEqual(['NewContribution', 'Filled', 'Finalized'])
    const [event] = parseEventLogs({
      abi: network.rewardsContract.abi,
      logs: receipt.logs,
      eventName: 'NewServiceNodeV2',
    })
    const contributors = [
      contributor(addressOf(operator), QUARTER, addressOf(stranger)),
      contributor(addressOf(other), REST),
    ]
    expect(event?.args).toMatchObject({ initiator: pool.address, contributors, serviceNode: { fee: 500 } })
    const node = await network.owner.readContract({
      ...network.rewardsContract,
      functionName: 'serviceNodes',
      args: [1n],
    })
    expect(node).toMatchObject({ operator: addressOf(operator), deposit: STAKE, contributors })
    expect(await balanceOf(network, network.rewards)).toBe(STAKE)
    expect(await balanceOf(network, pool.address)).toBe(0n)
    const allowance = { ...network.tokenContract, functionName: 'allowance' } as const
    expect(await network.owner.readContract({ ...allowance, args: [pool.address, network.rewards] })).toBe(0n)
  })

  test('an operator can pay all of it', async () => {
    expect(namesOf(await contribute(operator, pool, STAKE))).toEqual([
      ...['OpenForPublicContribution', 'NewContribution', 'Filled', 'Finalized'],
    ])
  })

  test('with manual finalisation the operator says when, and contributors may still leave', async () => {
    const manual = await poolWith({ manualFinalize: true })
    expect(await revertOf(operator.simulateContract(plainCall(manual, 'finalize')))).toEqual([
      'FinalizeNotPossible',
      STATUS.waitForOperator,
    ])
    await contribute(operator, manual, QUARTER)
    expect(namesOf(await contribute(other, manual, REST), manual)).toEqual(['NewContribution', 'Filled'])
    expect(await statusOf(manual)).toBe(STATUS.waitForFinalized)
    expect(await refusal(stranger, 1n, manual)).toEqual(['ContributeFundsNotPossible', STATUS.waitForFinalized])
    expect(await revertOf(other.simulateContract(plainCall(manual, 'finalize')))).toEqual([
      'OnlyOperatorIsAuthorised',
      addressOf(other),
      addressOf(operator),
    ])

    await passTime(network, DAY_S)
    const receipt = await send(other, manual, 'withdrawContribution')
    expect(namesOf(receipt, manual)).toEqual(['OpenForPublicContribution', 'WithdrawContribution'])
    expect(await statusOf(manual)).toBe(STATUS.open)
    await contribute(stranger, manual, REST)
    expect(namesOf(await send(operator, manual, 'finalize'), manual)).toEqual(['Finalized'])
    expect(await statusOf(manual)).toBe(STATUS.finalized)
  })

  test('after it there is nothing to pay, to finalise or to withdraw', async () => {
    await contribute(operator, pool, STAKE)
    expect(await refusal(operator, 1n)).toEqual(['ContributeFundsNotPossible', STATUS.finalized])
    expect(await revertOf(operator.simulateContract(plainCall(pool, 'finalize')))).toEqual([
      'FinalizeNotPossible',
      STATUS.finalized,
    ])
    await passTime(network, DAY_S)
    expect(await revertOf(operator.simulateContract(plainCall(pool, 'withdrawContribution')))).toEqual([
      'NothingToWithdraw',
      addressOf(operator),
    ])
  })

  test('a reset after it pays nobody, even if tokens have come meanwhile', async () => {
    await contribute(operator, pool, STAKE)
    const { owner, tokenContract } = network
    const gift = { ...tokenContract, functionName: 'transfer', args: [pool.address, STAKE] } as const
    await mined(owner, owner.writeContract(gift))
    const before = await balanceOf(network, addressOf(operator))
    expect(namesOf(await send(operator, pool, 'reset'))).toEqual(['Reset'])
    expect(await balanceOf(network, addressOf(operator))).toBe(before)
    expect(await contributions()).toEqual([[], [], []])
  })

  test('what the rewards contract refuses undoes the last contribution, and everybody can leave', async () => {
    await contribute(operator, pool, QUARTER)
    await contribute(other, pool, QUARTER)
    const { owner, rewardsContract } = network
    await mined(owner, owner.writeContract({ ...rewardsContract, functionName: 'pause' }))
    expect(await refusal(stranger, STAKE / 2n)).toEqual(['EnforcedPause'])
    await passTime(network, DAY_S)
    await send(other, pool, 'withdrawContribution')
    await send(operator, pool, 'withdrawContribution')
    expect(await balanceOf(network, pool.address)).toBe(0n)
  })

  test('keys that somebody registered meanwhile are refused, and everybody can leave', async () => {
    await contribute(operator, pool, QUARTER)
    const { owner, tokenContract, rewards, rewardsContract } = network
    const approve = { ...tokenContract, functionName: 'approve', args: [rewards, STAKE] } as const
    await mined(stranger, stranger.writeContract(approve))
    // The proof is public and names the operator, so who uses it gives the operator its part.
    const parts = [contributor(addressOf(operator), QUARTER), contributor(addressOf(stranger), REST)]
    const args = registrationOf(network, pool, addressOf(operator), parts)
    await mined(stranger, stranger.writeContract({ ...rewardsContract, functionName: 'addBLSPublicKey', args }))
    expect(await refusal(other, REST)).toEqual(['BLSPubkeyAlreadyExists', 1n])
    await send(operator, pool, 'reset')
    expect(await balanceOf(network, pool.address)).toBe(0n)
    expect(await owner.readContract({ ...rewardsContract, functionName: 'totalNodes' })).toBe(1n)
  })
})

describe('when the rewards contract changes its parameters', () => {
  test('another requirement ends contributions and the registration, and money goes back', async () => {
    const manual = await poolWith({ manualFinalize: true })
    await contribute(operator, manual, QUARTER)
    await setRequirement(STAKE + 1n)
    const error = ['RewardsContractStakingRequirementChanged', STAKE, STAKE + 1n]
    expect(await refusal(other, REST, manual)).toEqual(error)
    await setRequirement(STAKE)
    await contribute(other, manual, REST)
    await setRequirement(STAKE + 1n)
    expect(await revertOf(operator.simulateContract(plainCall(manual, 'finalize')))).toEqual(error)
    await passTime(network, DAY_S)
    await send(other, manual, 'withdrawContribution')
    await send(operator, manual, 'withdrawContribution')
    expect(await balanceOf(network, manual.address)).toBe(0n)
  })

  test('another number of contributors does too', async () => {
    const { owner, rewards, rewardsContract } = network
    await contribute(operator, pool, QUARTER)
    const slot = await slotOf(10n)
    await owner.setStorageAt({ address: rewards, index: slot, value: `0x${9n.toString(16).padStart(64, '0')}` })
    expect(await owner.readContract({ ...rewardsContract, functionName: 'maxContributors' })).toBe(9n)
    expect(await refusal(other, REST)).toEqual(['RewardsContractMaxContributorsChanged', 10n, 9n])
  })

  /** The contract has no setter for the number of contributors; an upgrade could bring one. */
  async function slotOf(value: bigint): Promise<Hex> {
    const { owner, rewards, rewardsContract } = network
    for (let index = 0; index < 128; index++) {
      const slot = `0x${index.toString(16).padStart(64, '0')}` as const
      if (BigInt((await owner.getStorageAt({ address: rewards, slot })) ?? 0) !== value) continue
      const id = await owner.snapshot()
      await owner.setStorageAt({ address: rewards, index: slot, value: `0x${'0'.repeat(63)}7` })
      const found = await owner.readContract({ ...rewardsContract, functionName: 'maxContributors' })
      await owner.revert({ id })
      if (found === 7n) return slot
    }
    throw new Error('The number of contributors is not in the first slots')
  }
})

describe('rescuing', () => {
  const rescue = (token: Hex) => ({ ...pool.contract, functionName: 'rescueERC20', args: [token] }) as const

  async function give(amount: bigint): Promise<void> {
    const { owner, tokenContract } = network
    const call = { ...tokenContract, functionName: 'transfer', args: [pool.address, amount] } as const
    await mined(owner, owner.writeContract(call))
  }

  test('tokens that came by mistake go to the operator, while no contribution is here', async () => {
    expect(await revertOf(operator.simulateContract(rescue(network.token)))).toEqual([
      'RescueBalanceIsEmpty',
      expect.stringMatching(new RegExp(network.token, 'i')),
    ])
    await give(7n)
    expect(await revertOf(other.simulateContract(rescue(network.token)))).toEqual([
      'OnlyOperatorIsAuthorised',
      addressOf(other),
      addressOf(operator),
    ])
    const before = await balanceOf(network, addressOf(operator))
    await mined(operator, operator.writeContract(rescue(network.token)))
    expect(await balanceOf(network, addressOf(operator))).toBe(before + 7n)
  })

  test('contributions are never rescued', async () => {
    await contribute(operator, pool, QUARTER)
    await give(7n)
    expect(await revertOf(operator.simulateContract(rescue(network.token)))).toEqual(['RescueNotPossible', STATUS.open])
    await contribute(other, pool, REST)
    const before = await balanceOf(network, addressOf(operator))
    await mined(operator, operator.writeContract(rescue(network.token)))
    expect(await balanceOf(network, addressOf(operator))).toBe(before + 7n)
  })
})

test('a pooled service node lives and ends like any other, and its contributors get their stakes back', async () => {
  const { rewardsContract, tags } = network
  const solo = await registerMany(network, 3)
  await contribute(operator, pool, QUARTER)
  await contribute(other, pool, REST)
  const id = await network.owner.readContract({
    ...rewardsContract,
    functionName: 'ed25519ToServiceNodeID',
    args: [integerOf(pool.ed25519)],
  })
  const members = [...solo, { ...pool, id }]
  expect(await network.owner.readContract({ ...rewardsContract, functionName: 'aggregatePubkey' })).toEqual(
    aggregateKeyOf(members),
  )

  // Neither the contract of the pool nor its operator has to be asked: a contributor with a quarter or more ends it.
  await mined(other, other.writeContract({ ...rewardsContract, functionName: 'initiateExitBLSPublicKey', args: [id] }))
  await passTime(network, 15 * DAY_S)
  const timestampS = await nowS(network)
  const exit = signedBy(members, exitMessage(tags, pool.publicKey, timestampS), tags)
  const exitArgs = [blsPublicKeyParameter(pool.publicKey), BigInt(timestampS), exit, []] as const
  const exitCall = { ...rewardsContract, functionName: 'exitBLSPublicKeyWithSignature', args: exitArgs } as const
  await mined(stranger, stranger.writeContract(exitCall))

  for (const [client, part] of [
    [operator, QUARTER],
    [other, REST],
  ] as const) {
    const before = await balanceOf(network, addressOf(client))
    const signature = signedBy(solo, rewardMessage(tags, addressOf(client), part), tags)
    const update = { ...rewardsContract, functionName: 'updateRewardsBalance' } as const
    const args = [addressOf(client), part, signature, []] as const
    await mined(stranger, stranger.writeContract({ ...update, args }))
    await mined(client, client.writeContract({ ...rewardsContract, functionName: 'claimRewards' }))
    expect(await balanceOf(network, addressOf(client))).toBe(before + part)
  }

  // The same contract can offer the same keys again.
  await send(operator, pool, 'reset')
  await contribute(operator, pool, STAKE)
  expect(await network.owner.readContract({ ...rewardsContract, functionName: 'totalNodes' })).toBe(4n)
})
