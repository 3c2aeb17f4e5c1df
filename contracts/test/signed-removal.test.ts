import { parseEventLogs } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BlsSignatureParameter, blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import { exitMessage, liquidateMessage } from '../../src/crypto/bls-messages.ts'
import {
  aggregateKeyOf,
  aKeySet,
  balanceOf,
  createStakingNetwork,
  HOUR_S,
  type Keys,
  type Member,
  mineAt,
  mined,
  nowS,
  passTime,
  register,
  registerMany,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
  signedBy,
} from './staking-network.ts'

/** With six members the threshold is two. */
let members: Member[]
let network: StakingNetwork

beforeAll(async () => {
  network = await createStakingNetwork()
  members = await registerMany(network, 6)
  await passTime(network, 2 * HOUR_S)
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

type Removal = 'exitBLSPublicKeyWithSignature' | 'liquidateBLSPublicKeyWithSignature'

/** The call by which `subject` is removed, signed by all but the non-signers unless told. */
function removal(
  functionName: Removal,
  timestampS: number,
  nonSigners: readonly Member[] = [],
  {
    subject = memberAt(0),
    signers = members.filter((member) => !nonSigners.includes(member)),
  }: {
    subject?: Keys
    signers?: readonly Keys[]
  } = {},
) {
  const messageOf = functionName === 'exitBLSPublicKeyWithSignature' ? exitMessage : liquidateMessage
  const message = messageOf(network.tags, subject.publicKey, timestampS)
  const signature = signedBy(signers, message, network.tags)
  return call(functionName, subject, timestampS, signature, nonSigners)
}

function call(
  functionName: Removal,
  subject: Keys,
  timestampS: number,
  signature: BlsSignatureParameter,
  nonSigners: readonly Member[],
) {
  const ids = nonSigners.map(({ id }) => id)
  const args = [blsPublicKeyParameter(subject.publicKey), BigInt(timestampS), signature, ids] as const
  return { ...network.rewardsContract, functionName, args } as const
}

function memberAt(index: number): Member {
  const member = members[index]
  if (member === undefined) throw new Error('There are fewer members')
  return member
}

const totalNodes = () => network.owner.readContract({ ...network.rewardsContract, functionName: 'totalNodes' })
const simulate = (request: ReturnType<typeof removal>) => network.stranger.simulateContract(request)

describe.each(['exitBLSPublicKeyWithSignature', 'liquidateBLSPublicKeyWithSignature'] as const)(
  '%s',
  (functionName) => {
    test('all members but up to a third remove a service node', async () => {
      for (const count of [0, 1, 2]) await simulate(removal(functionName, await nowS(network), members.slice(0, count)))
      const request = removal(functionName, await nowS(network), members.slice(4))
      await mined(network.stranger, network.stranger.writeContract(request))
      expect(await totalNodes()).toBe(5n)
      const aggregate = await network.owner.readContract({
        ...network.rewardsContract,
        functionName: 'aggregatePubkey',
      })
      expect(aggregate).toEqual(aggregateKeyOf(members.slice(1)))
    })

    test('more than a third of non-signers are too many', async () => {
      const request = removal(functionName, await nowS(network), members.slice(3))
      expect(await revertOf(simulate(request))).toEqual(['InsufficientBLSSignatures', 3n, 4n])
    })

    test('a signer too few or too many, or a wrong list, is refused', async () => {
      const now = await nowS(network)
      const signersKey = [aggregateKeyOf(members)]
      expect(await revertOf(simulate(removal(functionName, now, [], { signers: members.slice(1) })))).toEqual([
        'InvalidBLSSignature',
        ...signersKey,
      ])
      const stranger = [...members, aKeySet()]
      const tooMany = await revertOf(simulate(removal(functionName, now, [], { signers: stranger })))
      expect(tooMany[0]).toBe('InvalidBLSSignature')
      const wrongList = await revertOf(
        simulate(removal(functionName, now, [memberAt(1)], { signers: members.filter((_, index) => index !== 2) })),
      )
      expect(wrongList[0]).toBe('InvalidBLSSignature')
    })

    test('non-signers are members', async () => {
      const gone = { ...memberAt(5), id: 99n }
      const request = removal(functionName, await nowS(network), [gone], { signers: members })
      expect(await revertOf(simulate(request))).toEqual(['ServiceNodeDoesntExist', 99n])
    })

    test('a non-signer listed twice makes the signature invalid', async () => {
      const twice = [memberAt(1), memberAt(1)]
      const revert = await revertOf(simulate(removal(functionName, await nowS(network), twice)))
      expect(revert[0]).toBe('InvalidBLSSignature')
    })

    test('a signature names its time, and expires ten minutes after it', async () => {
      const now = await nowS(network)
      const signature = removal(functionName, now).args[2]
      const shifted = call(functionName, memberAt(0), now + 1, signature, [])
      expect((await revertOf(simulate(shifted)))[0]).toBe('InvalidBLSSignature')

      const request = removal(functionName, now - 600)
      await network.stranger.simulateContract(request)
      await mineAt(network, now + 1)
      const revert = await revertOf(network.stranger.simulateContract(request))
      expect(revert).toEqual(['SignatureExpired', memberAt(0).id, BigInt(now - 600), BigInt(now + 1)])
    })

    test('a signature removes only the service node that it names', async () => {
      const now = await nowS(network)
      const request = call(functionName, memberAt(1), now, removal(functionName, now).args[2], [])
      expect((await revertOf(simulate(request)))[0]).toBe('InvalidBLSSignature')
    })

    test('who is no member cannot be removed', async () => {
      const subject = aKeySet()
      const request = removal(functionName, await nowS(network), [], { subject })
      expect(await revertOf(simulate(request))).toEqual([
        'BLSPubkeyDoesNotExist',
        blsPublicKeyParameter(subject.publicKey),
      ])
    })

    test('a service node younger than two hours is safe', async () => {
      const young = await register(network)
      const added = await nowS(network)
      const signers = [...members, young]
      await mineAt(network, added + 2 * HOUR_S - 1)
      const request = () => removal(functionName, added + 2 * HOUR_S, [], { subject: young, signers })
      expect(await revertOf(network.stranger.simulateContract(request()))).toEqual([
        'ExitTooEarly',
        young.id,
        BigInt(added),
        BigInt(added + 2 * HOUR_S - 1),
      ])
      await mineAt(network, added + 2 * HOUR_S)
      await network.stranger.simulateContract(request())
    })

    test('a registration after the signatures were collected makes its node a non-signer', async () => {
      const request = removal(functionName, await nowS(network))
      const newcomer = await register(network)
      expect((await revertOf(simulate(request)))[0]).toBe('InvalidBLSSignature')
      const [key, timestamp, signature] = request.args
      await network.stranger.simulateContract({ ...request, args: [key, timestamp, signature, [newcomer.id]] })
    })

    test('nobody is removed while the contract is paused', async () => {
      await mined(network.owner, network.owner.writeContract({ ...network.rewardsContract, functionName: 'pause' }))
      expect(await revertOf(simulate(removal(functionName, await nowS(network))))).toEqual(['EnforcedPause'])
    })

    // The contract leaves these rules to the signers: they must not sign such a request.
    test('neither a leave request nor a timestamp near the clock is asked for', async () => {
      await simulate(removal(functionName, (await nowS(network)) + 1_000_000))
    })
  },
)

test('a signature for an exit does not liquidate, nor the reverse', async () => {
  const now = await nowS(network)
  const exit = removal('exitBLSPublicKeyWithSignature', now).args[2]
  const liquidation = removal('liquidateBLSPublicKeyWithSignature', now).args[2]
  for (const request of [
    call('liquidateBLSPublicKeyWithSignature', memberAt(0), now, exit, []),
    call('exitBLSPublicKeyWithSignature', memberAt(0), now, liquidation, []),
  ]) {
    expect((await revertOf(simulate(request)))[0]).toBe('InvalidBLSSignature')
  }
})

test('an exit moves no token and says what is to be returned', async () => {
  const request = removal('exitBLSPublicKeyWithSignature', await nowS(network), members.slice(4))
  const before = await balanceOf(network, network.rewards)
  const receipt = await mined(network.stranger, network.stranger.writeContract(request))
  const logs = parseEventLogs({ abi: network.rewardsContract.abi, logs: receipt.logs })
  expect(logs.map(({ eventName, args }) => [eventName, args])).toEqual([
    [
      'ServiceNodeExit',
      {
        serviceNodeID: memberAt(0).id,
        initiator: network.stranger.account.address,
        returnedAmount: STAKE,
        pubkey: blsPublicKeyParameter(memberAt(0).publicKey),
      },
    ],
  ])
  expect(receipt.logs).toHaveLength(1)
  expect(await balanceOf(network, network.rewards)).toBe(before)
})

test('a liquidation pays the caller and the pool, and says so before the exit', async () => {
  const { stranger, rewards, pool } = network
  const request = removal('liquidateBLSPublicKeyWithSignature', await nowS(network))
  const before = await balanceOf(network, rewards)
  const receipt = await mined(stranger, stranger.writeContract(request))
  const logs = parseEventLogs({ abi: network.rewardsContract.abi, logs: receipt.logs })
  expect(logs.map(({ eventName }) => eventName)).toEqual(['ServiceNodeLiquidated', 'ServiceNodeExit'])
  expect(logs[1]?.args).toMatchObject({ returnedAmount: 24_950_000_000_000n })
  expect(await balanceOf(network, stranger.account.address)).toBe(7_500_000_000n)
  expect(await balanceOf(network, pool)).toBe(42_500_000_000n)
  expect(await balanceOf(network, rewards)).toBe(before - 50_000_000_000n)
})

test('what rounding leaves over of a liquidation goes to the pool', async () => {
  const { owner, stranger, rewards, pool } = network
  const set = { ...network.rewardsContract, functionName: 'setLiquidationRatios', args: [1n, 1n, 5n] } as const
  await mined(owner, owner.writeContract(set))
  const before = await balanceOf(network, rewards)
  const request = removal('liquidateBLSPublicKeyWithSignature', await nowS(network))
  const receipt = await mined(stranger, stranger.writeContract(request))
  const [event] = parseEventLogs({ abi: network.rewardsContract.abi, logs: receipt.logs, eventName: 'ServiceNodeExit' })
  const caller = await balanceOf(network, stranger.account.address)
  const toPool = await balanceOf(network, pool)
  expect(caller).toBe(STAKE / 7n)
  expect(event?.args.returnedAmount).toBe((5n * STAKE) / 7n)
  expect(caller + toPool + (event?.args.returnedAmount ?? 0n)).toBe(STAKE)
  expect(await balanceOf(network, rewards)).toBe(before - caller - toPool)
})
