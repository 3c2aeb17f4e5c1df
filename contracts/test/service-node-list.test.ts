import fc from 'fast-check'
import { type Hex, zeroAddress } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import { exitMessage } from '../../src/crypto/bls-messages.ts'
import {
  aggregateKeyOf,
  balanceOf,
  createStakingNetwork,
  HOUR_S,
  type Member,
  mined,
  nowS,
  passTime,
  register,
  restoreAfterEach,
  STAKE,
  type StakingNetwork,
  signedBy,
} from './staking-network.ts'

let network: StakingNetwork
beforeAll(async () => {
  network = await createStakingNetwork()
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

/** Fails unless the contract's list, its links, its counters and its aggregate key are those of these members. */
async function expectMembers(members: readonly Member[]): Promise<void> {
  const { owner, rewardsContract } = network
  const [ids, keys] = await owner.readContract({ ...rewardsContract, functionName: 'allServiceNodeIDs' })
  expect(ids).toEqual(members.map(({ id }) => id))
  expect(keys).toEqual(members.map(({ publicKey }) => blsPublicKeyParameter(publicKey)))
  const ring = [0n, ...ids]
  for (const [index, id] of ring.entries()) {
    const { next, prev } = await owner.readContract({ ...rewardsContract, functionName: 'serviceNodes', args: [id] })
    expect([id, next, prev]).toEqual([id, ring[(index + 1) % ring.length], ring.at(index - 1)])
  }
  const aggregate = await owner.readContract({ ...rewardsContract, functionName: 'aggregatePubkey' })
  expect(aggregate).toEqual(aggregateKeyOf(members))
  const total = await owner.readContract({ ...rewardsContract, functionName: 'totalNodes' })
  expect(total).toBe(BigInt(members.length))
  const threshold = await owner.readContract({ ...rewardsContract, functionName: 'blsNonSignerThreshold' })
  expect(threshold).toBe(total / 3n)
}

/** All others sign `member` out; the contract must accept it. */
async function remove(member: Member, members: readonly Member[]): Promise<void> {
  await passTime(network, 2 * HOUR_S)
  const timestampS = await nowS(network)
  const signature = signedBy(members, exitMessage(network.tags, member.publicKey, timestampS), network.tags)
  const args = [blsPublicKeyParameter(member.publicKey), BigInt(timestampS), signature, []] as const
  const { stranger, rewardsContract } = network
  const call = { ...rewardsContract, functionName: 'exitBLSPublicKeyWithSignature', args } as const
  await mined(stranger, stranger.writeContract(call))
}

test('the list, its counters and the aggregate key follow any sequence of registrations and exits', async () => {
  let members: Member[] = []
  let registered = 0n
  let exited = 0n
  // A number below zero registers; another says which member leaves.
  const steps = fc.array(fc.integer({ min: -6, max: 5 }), { minLength: 4, maxLength: 10 })
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      for (const step of sequence) {
        const leaving = step < 0 ? undefined : members[step % Math.max(1, members.length)]
        if (leaving === undefined) {
          members.push(await register(network))
          registered++
        } else {
          await remove(leaving, members)
          members = members.filter(({ id }) => id !== leaving.id)
          exited++
        }
      }
      await expectMembers(members)
    }),
    // The chain's state accumulates, so a failure could not be shrunk.
    { numRuns: 4, endOnFailure: true },
  )
  const { stranger, rewardsContract, owner } = network
  await mined(
    stranger,
    stranger.writeContract({ ...rewardsContract, functionName: 'rederiveTotalNodesAndAggregatePubkey' }),
  )
  await expectMembers(members)
  // No id is used twice, and exits move no token.
  expect(await owner.readContract({ ...rewardsContract, functionName: 'nextServiceNodeID' })).toBe(registered + 1n)
  expect(await balanceOf(network, network.rewards)).toBe(registered * STAKE)
  expect(BigInt(members.length)).toBe(registered - exited)
})

test('anybody may have the counters and the aggregate key computed anew, whatever they were', async () => {
  const { owner, stranger, rewards, rewardsContract } = network
  const members = [await register(network), await register(network), await register(network)]
  // Number of members, non-signers, and the two coordinates of the key.
  const wrong: Hex = `0x${'1'.padStart(64, '0')}`
  for (const index of [1, 2, 4, 5]) await owner.setStorageAt({ address: rewards, index, value: wrong })
  expect(await owner.readContract({ ...rewardsContract, functionName: 'aggregatePubkey' })).toEqual({ X: 1n, Y: 1n })
  const rederive = { ...rewardsContract, functionName: 'rederiveTotalNodesAndAggregatePubkey' } as const
  await mined(stranger, stranger.writeContract(rederive))
  await expectMembers(members)
})

test('the list empties from the middle, the front and the end', async () => {
  let members = [await register(network), await register(network), await register(network), await register(network)]
  await expectMembers(members)
  for (const index of [1, 0, 1, 0]) {
    const leaving = members[index]
    if (leaving === undefined) throw new Error('There are more members')
    await remove(leaving, members)
    members = members.filter((member) => member !== leaving)
    await expectMembers(members)
    const { owner, rewardsContract } = network
    const gone = await owner.readContract({ ...rewardsContract, functionName: 'serviceNodes', args: [leaving.id] })
    expect(gone).toEqual({
      ...{ next: 0n, prev: 0n, operator: zeroAddress, blsPubkey: { X: 0n, Y: 0n }, ed25519Pubkey: 0n, deposit: 0n },
      ...{ addedTimestamp: 0n, leaveRequestTimestamp: 0n, latestLeaveRequestTimestamp: 0n, contributors: [] },
    })
  }
})
