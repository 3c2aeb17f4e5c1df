import type { TimestampMs } from '../base/clock.ts'
import { SECOND } from '../base/clock.ts'
import type { ChainBlock } from './chain-reply.ts'

/** Height and time that enough providers have reached. They may be of two blocks, so there is no hash. */
export interface AgreedHead {
  readonly number: bigint
  readonly timestampS: bigint
}

/** How the newest block of a provider stands beside the others'. */
export type HeadStanding = 'sound' | 'ahead' | 'behind'

export interface HeadJudgement<Head> {
  /** Undefined when fewer than a quorum are left. */
  readonly agreed: AgreedHead | undefined
  /** In the order of the heads. */
  readonly standings: readonly { readonly head: Head; readonly standing: HeadStanding }[]
}

/** Faster than any chain of this kind makes blocks: Arbitrum makes four in a second at most. */
const BLOCKS_PER_SECOND_MAX = 20n
/** Providers see what is final in steps of six minutes, and timestamps are the sequencer's: what is less ahead does no harm either. */
const LEAD_MAX_S = 15n * 60n
/** So many blocks more than the timestamps allow for may be a burst. */
const LEAD_MAX_BLOCKS = 1000n
/** One of those steps is missed by a good provider now and then, if only for a moment; two in a row are not. */
const LAG_MAX_S = 8n * 60n

/**
 * Of height and time each the upper median, but no less than the quorum-th highest: what a single provider claims moves neither beyond
 * what an honest one says. Claims that cannot be true are left out, so that they do not push the median either.
 */
export function judgeHeads<Head extends { readonly block: ChainBlock }>(
  heads: readonly Head[],
  quorum: number,
  nowMs: TimestampMs,
): HeadJudgement<Head> {
  const reference = agreedOf(heads, quorum)
  if (reference === undefined) {
    return { agreed: undefined, standings: heads.map((head) => ({ head, standing: 'sound' })) }
  }
  const nowS = BigInt(Math.floor(nowMs / SECOND))
  const possible = heads.filter(({ block }) => !isAhead(block, reference, nowS))
  const agreed = agreedOf(possible, quorum)
  const newest = maximum(possible.map(({ block }) => block.timestampS))
  // Two cannot outvote each other. The older one is told then, for that is what happens; either way nothing older than both is believed.
  const expectedS = heads.length > 2 ? (agreed ?? reference).timestampS : newest
  const standingOf = (head: Head): HeadStanding => {
    if (!possible.includes(head)) return 'ahead'
    return expectedS - head.block.timestampS > LAG_MAX_S ? 'behind' : 'sound'
  }
  return { agreed, standings: heads.map((head) => ({ head, standing: standingOf(head) })) }
}

function agreedOf(heads: readonly { readonly block: ChainBlock }[], quorum: number): AgreedHead | undefined {
  const place = Math.max(quorum, Math.ceil(heads.length / 2)) - 1
  const number = descending(heads.map(({ block }) => block.number))[place]
  const timestampS = descending(heads.map(({ block }) => block.timestampS))[place]
  return number === undefined || timestampS === undefined ? undefined : { number, timestampS }
}

/** Whether a block lies further ahead of what the others have than a chain can have come since. */
function isAhead(block: ChainBlock, reference: AgreedHead, nowS: bigint): boolean {
  const latestS = (nowS > reference.timestampS ? nowS : reference.timestampS) + LEAD_MAX_S
  if (block.timestampS > latestS) return true
  const passedS = block.timestampS > reference.timestampS ? block.timestampS - reference.timestampS : 0n
  return block.number - reference.number > passedS * BLOCKS_PER_SECOND_MAX + LEAD_MAX_BLOCKS
}

function descending(values: readonly bigint[]): readonly bigint[] {
  return values.toSorted((a, b) => (a > b ? -1 : a < b ? 1 : 0))
}

function maximum(values: readonly bigint[]): bigint {
  return descending(values)[0] ?? 0n
}
