import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChainProvider } from '../../../src/staking/chain-provider.ts'
import type { ChainBlock, Hex } from '../../../src/staking/chain-reply.ts'
import { findEpochBlock } from '../../../src/staking/epoch-block.ts'

// The search over chains of all shapes. The provider is computed from a list of timestamps; real chains: membership-follower.test.ts.

const hashOf = (number: number): Hex => `0x${(number + 1).toString(16).padStart(64, '0')}`

function chainOf(timestamps: readonly number[]) {
  const blocks: readonly ChainBlock[] = timestamps.map((timestamp, number) => ({
    number: BigInt(number),
    hash: hashOf(number),
    parentHash: hashOf(number - 1),
    timestampS: BigInt(timestamp),
  }))
  let looks = 0
  const provider: Pick<ChainProvider, 'block' | 'host'> = {
    host: 'test',
    async block(at) {
      looks++
      return typeof at === 'bigint' ? blocks[Number(at)] : blocks.at(-1)
    },
  }
  return { provider: provider as ChainProvider, blocks, looks: () => looks }
}

const signal = new AbortController().signal

test('the search finds what a look at every block finds', async () => {
  const gaps = fc.array(fc.oneof(fc.constant(0), fc.nat(3), fc.nat(100_000)), { minLength: 2, maxLength: 1500 })
  await fc.assert(
    fc.asyncProperty(gaps, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), async (steps, place, hasNear) => {
      let at = 1000
      const chain = chainOf(steps.map((step) => (at += step)))
      const head = chain.blocks.at(-1)
      const first = chain.blocks[0]
      if (head === undefined || first === undefined || head.timestampS === first.timestampS) return
      const span = Number(head.timestampS - first.timestampS)
      const boundary = first.timestampS + BigInt(Math.min(Math.floor(place * span), span - 1))
      const found = await findEpochBlock(chain.provider, boundary, { head, near: hasNear ? first : undefined }, signal)
      expect(found).toBe(chain.blocks.findLast((block) => block.timestampS <= boundary))
      expect(chain.looks()).toBeLessThan(40)
    }),
  )
})

test('where blocks come evenly, a handful of looks suffices', async () => {
  const chain = chainOf(Array.from({ length: 40_000 }, (_, number) => Math.floor(number / 4)))
  const head = chain.blocks.at(-1)
  if (head === undefined) throw new Error('the chain has blocks')
  await findEpochBlock(chain.provider, 9_600n, { head }, signal)
  expect(chain.looks()).toBeLessThan(16)
})

test('a boundary that is not final yet, or before the chain, is unknown', async () => {
  const chain = chainOf([100, 200, 300])
  const head = chain.blocks[2]
  if (head === undefined) throw new Error('the chain has blocks')
  await expect(findEpochBlock(chain.provider, 300n, { head }, signal)).rejects.toMatchObject({ code: 'EPOCH_UNKNOWN' })
  await expect(findEpochBlock(chain.provider, 99n, { head }, signal)).rejects.toMatchObject({ code: 'EPOCH_UNKNOWN' })
})

test('a provider whose blocks contradict one another is found out', async () => {
  const backwards = chainOf([100, 900, 200, 800, 300, 1000])
  const head = backwards.blocks[5]
  if (head === undefined) throw new Error('the chain has blocks')
  const first = backwards.blocks[0]
  await expect(
    findEpochBlock(backwards.provider, 250n, { head: { ...head, timestampS: 500n }, near: first }, signal),
  ).rejects.toMatchObject({ code: 'PROVIDER_INCONSISTENT' })

  const unlinked = chainOf([100, 200, 300])
  const top = unlinked.blocks[2]
  if (top === undefined) throw new Error('the chain has blocks')
  await expect(
    findEpochBlock(unlinked.provider, 250n, { head: { ...top, parentHash: hashOf(77) } }, signal),
  ).rejects.toMatchObject({ code: 'PROVIDER_INCONSISTENT' })
})
