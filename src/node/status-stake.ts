import { SECOND } from '../base/clock.ts'
import type { Member } from '../protocol/service-node.ts'
import type { OwnStakeState } from '../staking/own-stake-state.ts'
import type { StakeFacts } from './status.ts'

/** Where the stake stands, as JSON. While the chain is away, what held when it was last seen. */
export function stakeFactsOf(state: OwnStakeState, isListed: boolean): StakeFacts {
  const { kind, sentence, nextCommand } = state
  const seen = state.kind === 'chain-unreachable' ? state.lastKnown : state
  return {
    ...{ state: kind, sentence, nextCommand: nextCommand ?? null, isListed },
    ...memberFacts(seen !== undefined && 'member' in seen ? seen.member : undefined),
    upcoming: seen !== undefined && 'upcoming' in seen ? (seen.upcoming ?? null) : null,
    dates: seen?.kind === 'leaving' ? { ...seen.dates } : null,
  }
}

function memberFacts(member: Member | undefined): Pick<StakeFacts, 'id' | 'operator' | 'stakeAtomic' | 'addedAtMs'> {
  return {
    id: member?.id.toString() ?? null,
    operator: member?.operator ?? null,
    stakeAtomic: member?.depositAtomic.toString() ?? null,
    addedAtMs: member === undefined ? null : Number(member.addedTimestampS) * SECOND,
  }
}
