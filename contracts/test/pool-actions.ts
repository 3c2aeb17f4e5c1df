import { encodeFunctionData, type Hex } from 'viem'
import { contributionAbi, deployPool, NOBODY } from './pooled-stake.ts'
import { paidTo, type StakingModel } from './staking-model.ts'
import { aKeySet, DAY_S } from './staking-network.ts'
import { type Action, actorAt, attempt, clientOf, expectOutcome, pick } from './staking-world.ts'

// What operators and contributors do with a pooled stake, on the chain and in the model.

export const MAX_CONTRIBUTORS = 4

export const openPool: Action = async (world, { a, b }) => {
  const { model, pools } = world
  if (model.pool !== undefined && !model.pool.finalized && model.pool.paid.length > 0) return
  const operator = actorAt(world, a)
  const keys = (b % 3 === 0 ? pick(model.goneKeys, b) : undefined) ?? aKeySet()
  await world.network.owner.setNextBlockTimestamp({ timestamp: BigInt(++model.nowS) })
  const made = await deployPool(world.network, { keys }, operator)
  pools.push(made)
  for (const actor of world.actors) {
    const approve = { functionName: 'approve', args: [made.address, 2n ** 255n] } as const
    const data = encodeFunctionData({ abi: world.network.tokenContract.abi, ...approve })
    await attempt(world, actor, world.network.token, data)
  }
  model.pool = {
    ...{ address: made.address, keys, operator: operator.account.address, paid: [], finalized: false },
    requirement: model.parameters.requirement,
  }
}

function poolData(functionName: 'contributeFunds' | 'withdrawContribution' | 'reset', amount = 0n): Hex {
  if (functionName !== 'contributeFunds') return encodeFunctionData({ abi: contributionAbi, functionName })
  return encodeFunctionData({ abi: contributionAbi, functionName, args: [amount, NOBODY] })
}

export const contribute: Action = async (world, { a, b, c }) => {
  const { model } = world
  const { pool } = model
  if (pool === undefined) return
  // The operator often, or little would ever be opened.
  const client = pool.paid.length === 0 && a % 4 !== 0 ? clientOf(world, pool.operator) : actorAt(world, a)
  const caller = client.account.address
  const missing = pool.requirement - paidTo(pool)
  const least = missing / BigInt(Math.max(1, MAX_CONTRIBUTORS - pool.paid.length))
  const amount = [missing, (missing * BigInt(c % 101)) / 100n, least + BigInt(c % 2), missing + 1n][b % 4] ?? 0n
  const fills = amount === missing
  const may = () =>
    model.mayContribute(pool, caller, amount, MAX_CONTRIBUTORS) &&
    model.balance(caller) >= amount &&
    !(fills && !model.keysAreFree(pool.keys))
  if (!(await expectOutcome(world, client, pool.address, poolData('contributeFunds', amount), may))) return
  const earlier = pool.paid.find(({ owner }) => owner === caller)
  if (earlier === undefined) pool.paid.push({ owner: caller, amount, atS: model.nowS })
  else Object.assign(earlier, { amount: earlier.amount + amount, atS: model.nowS })
  model.move(caller, pool.address, amount)
  if (!fills) return
  pool.finalized = true
  model.move(pool.address, world.network.rewards, pool.requirement)
  model.add(
    pool.keys,
    pool.paid.map(({ owner, amount: part }) => ({ owner, amount: part })),
  )
}

export const withdraw: Action = async (world, { a, c }) => {
  const { model } = world
  if (c % 2 === 0) model.nowS += DAY_S
  const { pool } = model
  if (pool === undefined) return
  // Mostly one who has paid.
  const client = c % 5 === 0 ? actorAt(world, a) : clientOf(world, pick(pool.paid, a)?.owner ?? NOBODY)
  const caller = client.account.address
  const own = pool.paid.find(({ owner }) => owner === caller)
  const isOperator = caller === pool.operator
  const may = () => !pool.finalized && own !== undefined && (isOperator || model.nowS >= own.atS + DAY_S)
  if (!(await expectOutcome(world, client, pool.address, poolData('withdrawContribution'), may))) return
  giveBack(model, (owner) => isOperator || owner === caller)
}

export const reset: Action = async (world, { a }) => {
  const { model } = world
  const { pool } = model
  if (pool === undefined) return
  const may = () => actorAt(world, a).account.address === pool.operator
  if (!(await expectOutcome(world, actorAt(world, a), pool.address, poolData('reset'), may))) return
  if (!pool.finalized) giveBack(model, () => true)
  Object.assign(pool, { paid: [], finalized: false })
}

function giveBack(model: StakingModel, whose: (owner: Hex) => boolean): void {
  const { pool } = model
  if (pool === undefined) return
  for (const { owner, amount } of pool.paid.filter((part) => whose(part.owner))) model.move(pool.address, owner, amount)
  pool.paid = pool.paid.filter(({ owner }) => !whose(owner))
}
