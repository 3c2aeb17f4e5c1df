import type { Hex } from 'viem'
import { expect } from 'vitest'
import type { ChainClient } from '../../devnet/chain/chain-client.ts'
import type { PooledStake } from './pooled-stake.ts'
import type { StakingModel } from './staking-model.ts'
import type { StakingNetwork } from './staking-network.ts'

/** Enough for any of the calls, so that none is estimated first: whether it succeeds is what is asked. */
const GAS = 6_000_000n

/** A chain and what is expected of it. */
export interface World {
  readonly network: StakingNetwork
  readonly actors: readonly ChainClient[]
  readonly model: StakingModel
  /** Contracts of pooled stakes there have been; their balances are watched to the end. */
  readonly pools: PooledStake[]
}

/** Numbers from which an action chooses who, which and how much. */
export interface Choice {
  readonly a: number
  readonly b: number
  readonly c: number
}

export type Action = (world: World, choice: Choice) => Promise<void>

/** Sends a call in a block with the model's time, and says whether it succeeded. */
export async function attempt(world: World, client: ChainClient, to: Hex, data: Hex) {
  world.model.nowS += 1
  await world.network.owner.setNextBlockTimestamp({ timestamp: BigInt(world.model.nowS) })
  const hash = await client.sendTransaction({ to, data, gas: GAS })
  return await client.waitForTransactionReceipt({ hash })
}

/** Sends a call of which the model knows whether it succeeds. True when it did. */
export async function expectOutcome(world: World, client: ChainClient, to: Hex, data: Hex, may: () => boolean) {
  const receipt = await attempt(world, client, to, data)
  expect(receipt.status).toBe(may() ? 'success' : 'reverted')
  return receipt.status === 'success'
}

export function pick<Item>(items: readonly Item[], choice: number): Item | undefined {
  return items[choice % items.length]
}

export function actorAt({ actors }: World, choice: number): ChainClient {
  const actor = pick(actors, choice)
  if (actor === undefined) throw new Error('There are actors')
  return actor
}

export function clientOf(world: World, address: Hex): ChainClient {
  return world.actors.find(({ account }) => account.address === address) ?? actorAt(world, 0)
}
