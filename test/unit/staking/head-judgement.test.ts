import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeHeads } from '../../../src/staking/head-judgement.ts'

const NOW_S = 1_800_000_000n
const NOW_MS = Number(NOW_S) * 1000
/** A head so many blocks and seconds after a moment twenty minutes ago, as Arbitrum's final ones are. */
const head = (blocks: bigint, seconds: bigint) => ({
  block: {
    ...{ number: 400_000_000n + blocks, timestampS: NOW_S - 1200n + seconds },
    ...({ hash: '0xaa', parentHash: '0xbb' } as const),
  },
})
type TestHead = ReturnType<typeof head>

const standings = (heads: readonly TestHead[], quorum = 2) =>
  judgeHeads(heads, quorum, NOW_MS).standings.map(({ standing }) => standing)
const agreed = (heads: readonly TestHead[], quorum = 2) => judgeHeads(heads, quorum, NOW_MS).agreed

test('of honest providers the height and the time in the middle count', () => {
  const heads = [head(0n, 0n), head(40n, 10n), head(80n, 20n)]
  expect(agreed(heads)).toEqual({ number: 400_000_040n, timestampS: NOW_S - 1190n })
  expect(standings(heads)).toEqual(['sound', 'sound', 'sound'])
})

test('two agree on what both have reached, and one on what it says', () => {
  expect(agreed([head(0n, 0n), head(40n, 10n)])).toMatchObject({ number: 400_000_000n })
  expect(agreed([head(40n, 10n)], 1)).toMatchObject({ number: 400_000_040n })
  expect(agreed([head(0n, 0n)])).toBeUndefined()
  expect(agreed([])).toBeUndefined()
})

test('a provider that stays behind is told from the others; a missed step of finality is not', () => {
  expect(standings([head(0n, 0n), head(1950n, 481n), head(1950n, 481n)])).toEqual(['behind', 'sound', 'sound'])
  expect(standings([head(0n, 0n), head(1900n, 480n), head(1900n, 480n)])).toEqual(['sound', 'sound', 'sound'])
  expect(standings([head(0n, 0n), head(1950n, 481n)])).toEqual(['behind', 'sound'])
})

test('heights and times that cannot be are left out', () => {
  const honest = [head(0n, 0n), head(4n, 1n)]
  expect(standings([...honest, head(1_000_000n, 1n)])).toEqual(['sound', 'sound', 'ahead'])
  expect(standings([...honest, head(4n, 1200n + 16n * 60n)])).toEqual(['sound', 'sound', 'ahead'])
  expect(standings([...honest, head(50_000_000n, 100_000n)])).toEqual(['sound', 'sound', 'ahead'])
  // Where one is left of two, nothing is agreed on.
  expect(judgeHeads([head(0n, 0n), head(1_000_000n, 1n)], 2, NOW_MS).agreed).toBeUndefined()
})

test('a wrong clock of ours condemns nobody', () => {
  const heads = [head(0n, 0n), head(1500n, 380n), head(1500n, 380n)]
  for (const nowMs of [0, NOW_MS / 2, NOW_MS * 2]) {
    const found = judgeHeads(heads, 2, nowMs).standings.map(({ standing }) => standing)
    expect(found).not.toContain('ahead')
  }
})

test('nothing that a single provider claims moves the height beyond what an honest one says', () => {
  const honest = fc.record({ blocks: fc.bigInt({ min: 0n, max: 400n }), seconds: fc.bigInt({ min: 0n, max: 100n }) })
  const claim = fc.record({
    number: fc.bigInt({ min: 0n, max: 2n ** 64n }),
    timestampS: fc.bigInt({ min: 0n, max: 2n ** 64n }),
  })
  fc.assert(
    fc.property(fc.array(honest, { minLength: 2, maxLength: 6 }), claim, fc.nat(6), (truths, lie, at) => {
      const good = truths.map(({ blocks, seconds }) => head(blocks, seconds))
      const liar = { block: { ...head(0n, 0n).block, ...lie } }
      const found = judgeHeads(good.toSpliced(at, 0, liar), 2, NOW_MS)
      const numbers = good.map(({ block }) => block.number)
      const times = good.map(({ block }) => block.timestampS)
      if (found.agreed === undefined) return
      expect(numbers.some((number) => found.agreed !== undefined && number >= found.agreed.number)).toBe(true)
      expect(times.some((time) => found.agreed !== undefined && time >= found.agreed.timestampS)).toBe(true)
      // With two honest ones beside it, it does not pull the height down either.
      expect(found.agreed.number >= numbers.reduce((low, number) => (number < low ? number : low))).toBe(true)
      for (const { head: judged, standing } of found.standings) if (judged !== liar) expect(standing).toBe('sound')
    }),
    { numRuns: 2000 },
  )
})
