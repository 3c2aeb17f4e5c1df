// A few simulated networks; `npm run simulate -- --seeds 10000` runs thousands.
import { expect, test } from 'vitest'
import { World } from '../../sim/world.ts'

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

test.each(SEEDS)('the network of seed %i keeps its word and becomes equal', async (seed) => {
  const { faults, acknowledged } = await new World(seed).run()
  expect(faults).toEqual([])
  expect(acknowledged).toBeGreaterThan(0)
})

test('the same seed does the same again', async () => {
  expect(await new World(9).run()).toEqual(await new World(9).run())
})
