// A year of rewards for as many members as Session's network has: what a node computes that reads all logs anew.
import { assert } from '../src/base/assert.ts'
import { SECOND } from '../src/base/clock.ts'
import type { Hex } from '../src/staking/chain-reply.ts'
import type { LedgerNode } from '../src/staking/rewards/ledger-event.ts'
import { LedgerState } from '../src/staking/rewards/ledger-state.ts'
import { type Benchmark, compare } from './ratio.ts'

const MEMBERS = 2000
const PERIODS = 365
const RELEASE = 27_000_000_000_000n
const STAKE = 25_000_000_000_000n
/** Fees, remainders and who may earn at all come on top of the division. */
const GOAL = 0.5

const address = (index: number): Hex => `0x${index.toString(16).padStart(40, '0')}`
/** One node in four is pooled by four contributors; the others are solo. */
const nodes: readonly LedgerNode[] = Array.from({ length: MEMBERS }, (_, index) => {
  const count = index % 4 === 0 ? 4 : 1
  const contributors = Array.from({ length: count }, (_, place) => {
    const owner = address(1 + index * 4 + place)
    return { owner, beneficiary: owner, stakedAtomic: STAKE / BigInt(count) }
  })
  return { id: BigInt(index + 1), bls: '', feeBasisPoints: 1000, contributors }
})

export const benchmark: Benchmark = {
  name: 'rewards',
  async run() {
    assert(sumOf(ledgerYear()) <= RELEASE * BigInt(PERIODS), 'Nothing is promised that was not released')
    const limitName = 'adding up as many amounts'
    const perSecond = await compare(ledgerYear, bareYear)
    const measured = { ours: SECOND / perSecond.ours, limit: SECOND / perSecond.limit, unit: 'ms' as const }
    return [{ name: `rewards of ${MEMBERS} members over ${PERIODS} periods`, limitName, goal: GOAL, ...measured }]
  },
}

function ledgerYear(): ReadonlyMap<Hex, bigint> {
  const ledger = new LedgerState({ agePeriods: 1, lockPeriods: 30, membersMax: MEMBERS })
  for (const node of nodes) ledger.apply({ kind: 'registered', period: 0, node })
  for (let period = 1; period <= PERIODS; period++) {
    ledger.apply({ kind: 'released', period, amountAtomic: RELEASE - BigInt(period) })
  }
  ledger.closeThrough(PERIODS)
  return ledger.totals()
}

/** One division and one addition for each contributor of each node in each period. */
function bareYear(): ReadonlyMap<Hex, bigint> {
  const totals = new Map<Hex, bigint>()
  for (let period = 1; period <= PERIODS; period++) {
    const share = (RELEASE - BigInt(period)) / BigInt(MEMBERS)
    for (const { contributors } of nodes) {
      for (const { beneficiary, stakedAtomic } of contributors) {
        totals.set(beneficiary, (totals.get(beneficiary) ?? 0n) + (share * stakedAtomic) / STAKE)
      }
    }
  }
  return totals
}

function sumOf(totals: ReadonlyMap<Hex, bigint>): bigint {
  return [...totals.values()].reduce((sum, total) => sum + total, 0n)
}
