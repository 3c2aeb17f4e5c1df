import { zeroAddress } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChainClient } from '../../devnet/chain/chain-client.ts'
import { blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import {
  allow,
  contribute,
  contributionAbi,
  deployPool,
  eventsOf,
  NOBODY,
  type PooledStake,
  QUARTER,
  type Reserved,
  STATUS,
  send,
  type Terms,
  termsOf,
} from './pooled-stake.ts'
import {
  accountAt,
  aKeySet,
  createStakingNetwork,
  integerOf,
  mined,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'

let network: StakingNetwork
let pool: PooledStake
let operator: `0x${string}`

beforeAll(async () => {
  network = await createStakingNetwork()
  operator = network.operator.account.address
  pool = await deployPool(network)
  await allow(network, pool.address, [network.operator])
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

const reserved = (index: number, amount: bigint): Reserved => ({ addr: accountAt(network, index).address, amount })
const own = (amount: bigint): Reserved => ({ addr: operator, amount })
const deploy = (terms: Partial<Terms>) =>
  ({
    ...network.factoryContract,
    abi: [...network.factoryContract.abi, ...contributionAbi],
    functionName: 'deploy',
    args: termsOf(network, operator, terms),
  }) as const
const refusal = (terms: Partial<Terms>) => revertOf(network.operator.simulateContract(deploy(terms)))
const read = <
  Name extends
    | 'status'
    | 'operator'
    | 'SESH'
    | 'stakingRequirement'
    | 'maxContributors'
    | 'manualFinalize'
    | 'stakingRewardsContract'
    | 'blsPubkey'
    | 'blsSignature'
    | '_blsSignature'
    | 'serviceNodeParams'
    | '_serviceNodeParams'
    | 'getReserved'
    | 'getContributions'
    | 'MAX_FEE'
    | 'WITHDRAWAL_DELAY'
    | 'minimumContribution'
    | 'totalReservedContribution',
>(
  functionName: Name,
  of = pool,
) => network.owner.readContract({ ...of.contract, functionName })

describe('the factory', () => {
  test('makes a contract whose operator is the caller, and vouches for it alone', async () => {
    const { factoryContract, factory, token, owner } = network
    const keys = aKeySet()
    const { result } = await owner.simulateContract({ ...deploy({ keys }), account: network.operator.account })
    const receipt = await mined(network.operator, network.operator.writeContract(deploy({ keys })))
    const event = { contributorContract: result, serviceNodePubkey: integerOf(keys.ed25519), operator }
    expect(eventsOf(receipt, { ...factoryContract, address: factory })).toEqual([
      ['NewServiceNodeContributionContract', event],
    ])
    for (const functionName of ['owns', 'deployedContracts'] as const) {
      expect(await owner.readContract({ ...factoryContract, functionName, args: [result] })).toBe(true)
      expect(await owner.readContract({ ...factoryContract, functionName, args: [token] })).toBe(false)
    }
    expect(await owner.readContract({ ...factoryContract, functionName: 'stakingRewardsContract' })).toBe(
      await read('stakingRewardsContract'),
    )
    expect(await owner.readContract({ ...factoryContract, functionName: 'VERSION' })).toBe(1n)
  })

  test('makes nothing while it is paused, and what it made goes on', async () => {
    const { owner, factoryContract } = network
    await mined(owner, owner.writeContract({ ...factoryContract, functionName: 'pause' }))
    expect(await owner.readContract({ ...factoryContract, functionName: 'paused' })).toBe(true)
    expect(await refusal({})).toEqual(['EnforcedPause'])
    await contribute(network.operator, pool, QUARTER)
    await mined(owner, owner.writeContract({ ...factoryContract, functionName: 'unpause' }))
    await deployPool(network)
  })

  test('obeys its owner alone, and passes to another in two steps', async () => {
    const { owner, other, factoryContract } = network
    for (const functionName of ['pause', 'unpause'] as const) {
      expect(await revertOf(other.simulateContract({ ...factoryContract, functionName }))).toEqual([
        'OwnableUnauthorizedAccount',
        other.account.address,
      ])
    }
    const transfer = { ...factoryContract, functionName: 'transferOwnership', args: [other.account.address] } as const
    await mined(owner, owner.writeContract(transfer))
    expect(await owner.readContract({ ...factoryContract, functionName: 'pendingOwner' })).toBe(other.account.address)
    await mined(other, other.writeContract({ ...factoryContract, functionName: 'acceptOwnership' }))
    expect(await owner.readContract({ ...factoryContract, functionName: 'owner' })).toBe(other.account.address)
  })

  test('is initialised once, and serves no address without a staking contract', async () => {
    const { owner, factoryContract, rewards } = network
    const initialize = { ...factoryContract, functionName: 'initialize', args: [rewards] } as const
    expect(await revertOf(owner.simulateContract(initialize))).toEqual(['InvalidInitialization'])
    // The same code at an address of its own has fresh storage.
    const slot = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'
    const logic = `0x${(await owner.getStorageAt({ address: network.factory, slot }))?.slice(-40)}` as const
    const address = '0x00000000000000000000000000000000000a11ce'
    await owner.setCode({ address, bytecode: (await owner.getCode({ address: logic })) ?? '0x' })
    const fresh = { ...initialize, address } as const
    await owner.simulateContract(fresh)
    await expect(owner.simulateContract({ ...fresh, args: [zeroAddress] })).rejects.toThrow('reverted')
    await expect(owner.simulateContract({ ...fresh, args: [network.token] })).rejects.toThrow('reverted')
  })
})

describe('a fresh contract', () => {
  test('says what it is for', async () => {
    const [key, signature, params] = termsOf(network, operator, { keys: pool })
    expect(await read('status')).toBe(STATUS.waitForOperator)
    expect(await read('operator')).toBe(operator)
    expect((await read('SESH')).toString().toLowerCase()).toBe(network.token.toLowerCase())
    expect((await read('stakingRewardsContract')).toString().toLowerCase()).toBe(network.rewards.toLowerCase())
    expect(await read('stakingRequirement')).toBe(STAKE)
    expect(await read('maxContributors')).toBe(10n)
    expect(await read('manualFinalize')).toBe(false)
    expect(await read('blsPubkey')).toEqual([key.X, key.Y])
    expect(await read('blsSignature')).toEqual(signature)
    expect(await read('_blsSignature')).toEqual([signature.sigs0, signature.sigs1, signature.sigs2, signature.sigs3])
    expect(await read('serviceNodeParams')).toEqual(params)
    expect(await read('_serviceNodeParams')).toEqual([params.serviceNodePubkey, 1n, 2n, 500])
    expect(await read('getReserved')).toEqual([[], [], []])
    expect(await read('getContributions')).toEqual([[], [], []])
    expect(await read('MAX_FEE')).toBe(10_000)
    expect(await read('WITHDRAWAL_DELAY')).toBe(86_400n)
  })

  test('has a proof of possession by the caller, for these keys', async () => {
    const [key, , params, list, manual] = termsOf(network, operator)
    const [, foreign] = termsOf(network, network.other.account.address)
    const call = { ...deploy({}), args: [key, foreign, params, list, manual] } as const
    expect(await revertOf(network.operator.simulateContract(call))).toEqual(['InvalidBLSProofOfPossession'])
    expect(await revertOf(network.other.simulateContract(deploy({})))).toEqual(['InvalidBLSProofOfPossession'])
  })

  test('has a fee of at most everything', async () => {
    await network.operator.simulateContract(deploy({ fee: 10_000 }))
    expect(await refusal({ fee: 10_001 })).toEqual(['FeeExceedsPossibleValue', 10_001, 10_000])
  })
})

describe('reservations', () => {
  test('are listed, and count towards the minimum of others', async () => {
    const terms = [own(QUARTER), reserved(5, STAKE / 2n)]
    const pledged = await deployPool(network, { reserved: terms })
    expect(await read('getReserved', pledged)).toEqual([
      [operator, terms[1]?.addr],
      [QUARTER, STAKE / 2n],
      [false, false],
    ])
    expect(await read('totalReservedContribution', pledged)).toBe((STAKE * 3n) / 4n)
    expect(await read('minimumContribution', pledged)).toBe(QUARTER)
    const entry = { ...pledged.contract, functionName: 'reservedContributions', args: [operator] } as const
    expect(await network.owner.readContract(entry)).toEqual([QUARTER, false])
    const address = { ...pledged.contract, functionName: 'reservedContributionsAddresses', args: [1n] } as const
    expect(await network.owner.readContract(address)).toBe(terms[1]?.addr)
    await allow(network, pledged.address, [network.operator])
    await contribute(network.operator, pledged, QUARTER)
    // An eighth of the rest for each of eight places.
    expect(await read('minimumContribution', pledged)).toBe(QUARTER / 8n)
    expect(await read('getReserved', pledged)).toMatchObject([{}, {}, [true, false]])
  })

  const cases: readonly [string, () => Reserved[], () => readonly unknown[]][] = [
    [
      'name the operator first',
      () => [reserved(5, STAKE)],
      () => ['FirstReservedContributorMustBeOperator', 0n, operator],
    ],
    [
      'give the operator a quarter',
      () => [own(QUARTER - 1n)],
      () => ['ReservedContributionBelowMinAmount', 0n, QUARTER - 1n, QUARTER],
    ],
    ['name each address once', () => [own(QUARTER), own(QUARTER)], () => ['DuplicateAddressInReservedContributor', 1n]],
    [
      'name addresses',
      () => [own(QUARTER), { addr: NOBODY, amount: QUARTER }],
      () => ['ReservedContributorHasZeroAddress', 1n],
    ],
    [
      'leave enough places for the rest',
      () => [own(QUARTER), reserved(5, STAKE / 12n)],
      () => ['ReservedContributionBelowMinAmount', 1n, STAKE / 12n, STAKE / 12n + 1n],
    ],
    [
      'add up to the stake at most',
      () => [own(QUARTER), reserved(5, (STAKE * 3n) / 4n + 1n)],
      () => ['ReservedContributionExceedsStakingRequirement', 1n, (STAKE * 3n) / 4n + 1n, (STAKE * 3n) / 4n],
    ],
    [
      'keep no place for nothing',
      () => [own(STAKE), reserved(5, 0n)],
      () => ['ReservedContributionBelowMinAmount', 1n, 0n, 1n],
    ],
    [
      'are as many as contributors may be',
      () => [own(QUARTER), ...Array.from({ length: 10 }, () => reserved(5, QUARTER))],
      () => ['TooManyReservedContributors', 11n, 10n],
    ],
  ]
  test.each(cases)('%s', async (_sentence, list, error) => {
    expect(await refusal({ reserved: list() })).toEqual(error())
  })

  test('may fill every place', async () => {
    const share = STAKE / 12n + 1n
    const others = Array.from({ length: 9 }, (_, index) => ({
      addr: `0x${(index + 1).toString(16).padStart(40, '0')}` as const,
      // The division leaves a rest, which the last need not pay any more.
      amount: index < 8 ? share : STAKE - QUARTER - 8n * share,
    }))
    await network.operator.simulateContract(deploy({ reserved: [own(QUARTER), ...others] }))
  })
})

describe('terms', () => {
  const change = (functionName: string, ...args: readonly unknown[]) => ({ functionName, args }) as never

  function changes() {
    const keys = aKeySet()
    const [key, signature, params] = termsOf(network, operator, { keys })
    return {
      keys,
      calls: [
        change('updateFee', 7),
        change('updateManualFinalize', true),
        change('updateReservedContributors', [own(STAKE / 2n)]),
        change('updatePubkeys', key, signature, params.serviceNodePubkey, 3n, 4n),
      ] as { functionName: 'updateFee'; args: [number] }[],
    }
  }

  async function apply(client: ChainClient, call: { functionName: 'updateFee'; args: [number] }) {
    return await mined(client, client.writeContract({ ...pool.contract, ...call }))
  }

  test('change one by one before anybody has paid', async () => {
    const { keys, calls } = changes()
    const events = []
    for (const call of calls) events.push(...eventsOf(await apply(network.operator, call), pool.contract))
    const ed25519 = integerOf(keys.ed25519)
    expect(events).toEqual([
      ['UpdateFee', { newFee: 7 }],
      ['UpdateManualFinalize', { newValue: true }],
      ['UpdateReservedContributors', { newReservedContributors: [own(STAKE / 2n)] }],
      ['UpdatePubkeys', { newBLSPubkey: blsPublicKeyParameter(keys.publicKey), newEd25519Pubkey: ed25519 }],
    ])
    expect(await read('serviceNodeParams')).toEqual({
      ...{ serviceNodePubkey: ed25519, serviceNodeSignature1: 3n, serviceNodeSignature2: 4n, fee: 7 },
    })
    expect(await read('manualFinalize')).toBe(true)
    expect(await read('getReserved')).toEqual([[operator], [STAKE / 2n], [false]])
  })

  test('change by the operator alone', async () => {
    const { other } = network
    for (const call of changes().calls) {
      expect(await revertOf(other.simulateContract({ ...pool.contract, ...call }))).toEqual([
        'OnlyOperatorIsAuthorised',
        other.account.address,
        operator,
      ])
    }
  })

  test('hold from the first payment on', async () => {
    await contribute(network.operator, pool, QUARTER)
    for (const call of changes().calls) {
      expect(await revertOf(network.operator.simulateContract({ ...pool.contract, ...call }))).toEqual([
        'RequireWaitForOperatorContribStatus',
        STATUS.open,
      ])
    }
  })

  test('are refused by the same rules as at the deployment', async () => {
    const { operator: client } = network
    const [key, , params] = termsOf(network, operator)
    const [, foreign] = termsOf(network, operator)
    const update = { ...pool.contract, functionName: 'updatePubkeys' } as const
    const args = [key, foreign, params.serviceNodePubkey, 1n, 2n] as const
    expect(await revertOf(client.simulateContract({ ...update, args }))).toEqual(['InvalidBLSProofOfPossession'])
    const fee = { ...pool.contract, functionName: 'updateFee', args: [10_001] } as const
    expect(await revertOf(client.simulateContract(fee))).toEqual(['FeeExceedsPossibleValue', 10_001, 10_000])
    const list = { ...pool.contract, functionName: 'updateReservedContributors', args: [[reserved(5, STAKE)]] } as const
    expect(await revertOf(client.simulateContract(list))).toEqual([
      'FirstReservedContributorMustBeOperator',
      0n,
      operator,
    ])
  })

  test('replaced reservations leave nothing behind', async () => {
    const { operator: client } = network
    const first = [own(QUARTER), reserved(5, QUARTER)]
    const update = (list: Reserved[]) =>
      client.writeContract({ ...pool.contract, functionName: 'updateReservedContributors', args: [list] })
    await mined(client, update(first))
    await mined(client, update([own(STAKE / 2n)]))
    const entry = { ...pool.contract, functionName: 'reservedContributions', args: [first[1]?.addr ?? NOBODY] } as const
    expect(await network.owner.readContract(entry)).toEqual([0n, false])
    await mined(client, update([]))
    expect(await read('totalReservedContribution')).toBe(0n)
    expect(await read('minimumContribution')).toBe(QUARTER)
  })

  test('all change at once with a new beginning', async () => {
    const { operator: client } = network
    await contribute(client, pool, QUARTER)
    const keys = aKeySet()
    const [key, signature, params] = termsOf(network, operator, { keys, fee: 9 })
    const args = [key, signature, params, [own(STAKE / 2n)], true, NOBODY, STAKE / 2n] as const
    const again = { ...pool.contract, functionName: 'resetUpdateAndContribute', args } as const
    const receipt = await mined(client, client.writeContract(again))
    expect(eventsOf(receipt, pool.contract).map(([name]) => name)).toEqual([
      'Reset',
      'WithdrawContribution',
      'UpdatePubkeys',
      'UpdateFee',
      'UpdateManualFinalize',
      'UpdateReservedContributors',
      'OpenForPublicContribution',
      'NewContribution',
    ])
    expect(await read('serviceNodeParams')).toEqual(params)
    expect(await read('getContributions')).toEqual([[operator], [operator], [STAKE / 2n]])
    expect(await revertOf(network.other.simulateContract(again))).toEqual([
      'OnlyOperatorIsAuthorised',
      network.other.account.address,
      operator,
    ])
  })

  test('go back to the start by a reset, but for keys and fee', async () => {
    const { operator: client } = network
    const list = { ...pool.contract, functionName: 'updateReservedContributors', args: [[own(QUARTER)]] } as const
    await mined(client, client.writeContract(list))
    await contribute(client, pool, QUARTER)
    await send(client, pool, 'reset')
    expect(await read('status')).toBe(STATUS.waitForOperator)
    expect(await read('getReserved')).toEqual([[], [], []])
    expect(await read('serviceNodeParams')).toMatchObject({ fee: 500 })
    expect(await revertOf(network.other.simulateContract({ ...pool.contract, functionName: 'reset' }))).toEqual([
      'OnlyOperatorIsAuthorised',
      network.other.account.address,
      operator,
    ])
  })
})

describe('the minimum', () => {
  const minimum = (remaining: bigint, taken: bigint, places: bigint) =>
    network.owner.readContract({
      ...pool.contract,
      functionName: 'calcMinimumContribution',
      args: [remaining, taken, places],
    })

  test('is a quarter for the operator, rounded up', async () => {
    expect(await minimum(100n, 0n, 10n)).toBe(25n)
    const call = { ...pool.contract, functionName: 'minimumOperatorContribution' } as const
    expect(await network.owner.readContract({ ...call, args: [101n] })).toBe(26n)
  })

  test('is the rest divided by the places, rounded up, for others', async () => {
    expect(await minimum(75n, 1n, 10n)).toBe(9n)
    expect(await minimum(75n, 9n, 10n)).toBe(75n)
    expect(await minimum(0n, 9n, 10n)).toBe(0n)
    expect(await minimum(2n ** 256n - 1n, 1n, 3n)).toBe(2n ** 255n)
  })

  test('does not exist without a place', async () => {
    for (const taken of [10n, 11n]) {
      expect(await revertOf(minimum(75n, taken, 10n))).toEqual(['CalcMinContributionGivenBadContribArgs', taken, 10n])
    }
  })
})
