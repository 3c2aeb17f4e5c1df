import { bn254 } from '@noble/curves/bn254.js'
import { encodeFunctionData, type Hex, parseEventLogs } from 'viem'
import { expect } from 'vitest'
import {
  BlsMessage,
  type BlsSignatureParameter,
  blsPublicKeyParameter,
  blsSign,
  blsSignatureParameter,
  importBlsSecretKey,
} from '../../src/crypto/bls.ts'
import { exitMessage, liquidateMessage, rewardMessage } from '../../src/crypto/bls-messages.ts'
import { serviceNodeRewardsAbi } from '../../src/staking/abi.ts'
import { NOBODY } from './pooled-stake.ts'
import { type ModelMember, sum } from './staking-model.ts'
import { aKeySet, contributor, DAY_S, HOUR_S, integerOf, registrationOf, STAKE } from './staking-network.ts'
import {
  type Action,
  actorAt,
  attempt,
  type Choice,
  clientOf,
  expectOutcome,
  pick,
  type World,
} from './staking-world.ts'

// What members, operators, recipients and the owner do, on the chain and in the model.

export const CYCLE_S = 12 * HOUR_S

const abi = serviceNodeRewardsAbi

/** The members' signature, all but the last few: the sum of signatures is the signature of the sum. */
function signedByAllBut({ model, network }: World, nonSigners: number, message: Uint8Array) {
  const members = [...model.members.values()]
  const signers = members.slice(0, members.length - nonSigners)
  const scalar = sum(signers.map(({ keys }) => integerOf(keys.secretKey))) % bn254.fields.Fr.ORDER
  const key = importBlsSecretKey(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex'))
  const hashed = new BlsMessage(message, network.tags.hashToG2)
  const signature: BlsSignatureParameter =
    key === undefined ? { sigs0: 0n, sigs1: 0n, sigs2: 0n, sigs3: 0n } : blsSignatureParameter(blsSign(key, hashed))
  return { signature, ids: members.slice(members.length - nonSigners).map(({ id }) => id) }
}

export const register: Action = async (world, { a, b, c }) => {
  const { model } = world
  const [actor, partner] = [actorAt(world, a).account.address, actorAt(world, b).account.address]
  // Now and then the keys of a node that has left, or of one that is there.
  const known = [...model.goneKeys, ...[...model.members.values()].map(({ keys }) => keys)]
  const keys = (c % 4 === 0 ? pick(known, b) : undefined) ?? aKeySet()
  const part = (model.parameters.requirement * BigInt(c % 90)) / 100n
  const parts =
    c % 2 === 0
      ? [{ owner: actor, amount: STAKE }]
      : [
          { owner: actor, amount: model.parameters.requirement - part },
          { owner: partner, amount: part },
        ]
  const contributors = parts.map(({ owner, amount }) => contributor(owner, amount))
  const args = registrationOf(world.network, keys, actor, contributors)
  const data = encodeFunctionData({ abi, functionName: 'addBLSPublicKey', args })
  const isWhole = sum(parts.map(({ amount }) => amount)) === model.parameters.requirement
  const isOperators = (parts[0]?.amount ?? 0n) * 4n >= model.parameters.requirement
  const may = () =>
    model.keysAreFree(keys) && isWhole && isOperators && model.balance(actor) >= model.parameters.requirement
  if (!(await expectOutcome(world, actorAt(world, a), world.network.rewards, data, may))) return
  model.move(actor, world.network.rewards, model.parameters.requirement)
  model.add(keys, parts)
}

export const askToLeave: Action = async (world, { a, b }) => {
  const { model } = world
  const member = pick([...model.members.values()], b)
  if (member === undefined) return
  const data = encodeFunctionData({ abi, functionName: 'initiateExitBLSPublicKey', args: [member.id] })
  // Mostly one of those who may.
  const owner = pick(member.parts, b)?.owner
  const client = a % 5 === 0 ? actorAt(world, a) : clientOf(world, owner ?? NOBODY)
  const may = () => model.mayAskToLeave(member, client.account.address)
  if (!(await expectOutcome(world, client, world.network.rewards, data, may))) return
  if (member.leaveRequestS === 0) member.leaveRequestS = model.nowS
  member.latestLeaveRequestS = model.nowS
}

export const exitUnsigned: Action = async (world, { a, b, c }) => {
  const { model } = world
  if (c % 2 === 0) model.nowS += 30 * DAY_S
  const leaving = [...model.members.values()].filter(({ leaveRequestS }) => leaveRequestS !== 0)
  const member = pick(leaving.length > 0 ? leaving : [...model.members.values()], b)
  if (member === undefined) return
  const data = encodeFunctionData({ abi, functionName: 'exitBLSPublicKeyAfterWaitTime', args: [member.id] })
  const may = () => model.mayExitUnsigned(member)
  if (await expectOutcome(world, actorAt(world, a), world.network.rewards, data, may)) model.remove(member)
}

function removal(
  world: World,
  { b, c }: Choice,
  isExit: boolean,
): { member: ModelMember; missing: number; data: Hex } | undefined {
  const { model } = world
  const member = pick([...model.members.values()], b)
  if (member === undefined) return undefined
  // Sometimes one non-signer too many.
  const missing = Math.min(c % (model.threshold() + 2), model.members.size)
  const timestampS = model.nowS
  const message = (isExit ? exitMessage : liquidateMessage)(world.network.tags, member.keys.publicKey, timestampS)
  const { signature, ids } = signedByAllBut(world, missing, message)
  const args = [blsPublicKeyParameter(member.keys.publicKey), BigInt(timestampS), signature, ids] as const
  const functionName = isExit ? 'exitBLSPublicKeyWithSignature' : 'liquidateBLSPublicKeyWithSignature'
  return { member, missing, data: encodeFunctionData({ abi, functionName, args }) }
}

export const exitSigned: Action = async (world, choice) => {
  const { model } = world
  const call = removal(world, choice, true)
  if (call === undefined) return
  const may = () => model.mayExitSigned(call.member, call.missing)
  if (await expectOutcome(world, actorAt(world, choice.a), world.network.rewards, call.data, may))
    model.remove(call.member)
}

export const liquidate: Action = async (world, choice) => {
  const { model } = world
  const call = removal(world, choice, false)
  if (call === undefined) return
  const may = () => model.mayExitSigned(call.member, call.missing)
  if (!(await expectOutcome(world, actorAt(world, choice.a), world.network.rewards, call.data, may))) return
  const costs = model.liquidationOf(call.member)
  model.move(world.network.rewards, actorAt(world, choice.a).account.address, costs.caller)
  model.move(world.network.rewards, world.network.pool, costs.pool)
  model.remove(call.member, costs.caller + costs.pool)
}

/** The members sign what is owed for stakes, and a part of what the pool has released. */
export const updateBalance: Action = async (world, { a, b, c }) => {
  const { model } = world
  const recipient = actorAt(world, b).account.address
  const reward = (model.released * BigInt(c % 50)) / 100n
  const { total, claimed } = model.recipient(recipient)
  const grown = total + reward + (model.owed.get(recipient) ?? 0n)
  const missing = Math.min(c % (model.threshold() + 2), model.members.size)
  const { signature, ids } = signedByAllBut(world, missing, rewardMessage(world.network.tags, recipient, grown))
  const data = encodeFunctionData({
    abi,
    functionName: 'updateRewardsBalance',
    args: [recipient, grown, signature, ids],
  })
  const may = () => grown > total && missing <= model.threshold() && model.members.size > 0
  if (!(await expectOutcome(world, actorAt(world, a), world.network.rewards, data, may))) return
  model.recipients.set(recipient, { total: grown, claimed })
  model.owed.delete(recipient)
  model.released -= reward
}

export const claim: Action = async (world, { a, c }) => {
  const { model } = world
  const caller = actorAt(world, a).account.address
  const { total, claimed } = model.recipient(caller)
  const amount = c % 5 === 0 ? total - claimed + 1n : ((total - claimed) * BigInt(c % 101)) / 100n
  const data = encodeFunctionData({ abi, functionName: 'claimRewards', args: [amount] })
  const may = () => model.mayClaim(caller, amount, CYCLE_S)
  if (!(await expectOutcome(world, actorAt(world, a), world.network.rewards, data, may))) return
  model.claim(caller, amount, CYCLE_S)
  model.move(world.network.rewards, caller, amount)
}

export const payOut: Action = async (world, { a }) => {
  const { poolContract, rewards, pool } = world.network
  const data = encodeFunctionData({ abi: poolContract.abi, functionName: 'payoutReleased' })
  const receipt = await attempt(world, actorAt(world, a), pool, data)
  const [event] = parseEventLogs({ abi: poolContract.abi, logs: receipt.logs, eventName: 'FundsReleased' })
  const amount = event?.args.amount ?? 0n
  expect(amount).toBeLessThanOrEqual(world.model.balance(pool))
  world.model.move(pool, rewards, amount)
  world.model.released += amount
}

export const passTime: Action = async ({ model }, { a }) => {
  model.nowS += [HOUR_S, 2 * HOUR_S, DAY_S, 30 * DAY_S][a % 4] ?? 0
}

export const changeParameters: Action = async (world, { a, b }) => {
  const { parameters } = world.model
  const claimThreshold = STAKE * BigInt(1 + (b % 40))
  const ratios = { liquidator: BigInt(1 + (b % 7)), pool: BigInt(1 + (b % 11)), recipient: 100n }
  const requirement = b % 3 === 0 ? STAKE * 2n : STAKE
  const thresholdMax = 1 + (b % 3)
  const [data, change] = [
    [encodeFunctionData({ abi, functionName: 'setStakingRequirement', args: [requirement] }), { requirement }],
    [
      encodeFunctionData({ abi, functionName: 'setBLSNonSignerThresholdMax', args: [BigInt(thresholdMax)] }),
      { thresholdMax },
    ],
    [encodeFunctionData({ abi, functionName: 'setClaimThreshold', args: [claimThreshold] }), { claimThreshold }],
    [
      encodeFunctionData({
        abi,
        functionName: 'setLiquidationRatios',
        args: [ratios.liquidator, ratios.pool, ratios.recipient],
      }),
      { ratios },
    ],
  ][a % 4] as [Hex, Partial<typeof parameters>]
  await expectOutcome(world, world.network.owner, world.network.rewards, data, () => true)
  Object.assign(parameters, change)
}

export const rederive: Action = async (world, { a }) => {
  const data = encodeFunctionData({ abi, functionName: 'rederiveTotalNodesAndAggregatePubkey' })
  await expectOutcome(world, actorAt(world, a), world.network.rewards, data, () => true)
}
