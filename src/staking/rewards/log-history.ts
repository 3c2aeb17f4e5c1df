import type { Hex } from '../chain-reply.ts'
import type { LedgerEvent } from './ledger-event.ts'
import { type LedgerContent, type LedgerRules, LedgerState } from './ledger-state.ts'
import { type LogPage, ZERO_HASH } from './log-page.ts'

// What has been read of the chain: the ledger up to some block, and the pages after it one by one, so that a page that is not the
// chain's any more can be taken back. Below finality that does not happen; providers that were wrong together are why it may.

/** A block up to which everything has been read. */
export interface Checkpoint {
  readonly number: bigint
  readonly hash: Hex
  readonly timestampS: bigint
}

/** The logs between the checkpoint before and `end`. */
export interface HistorySegment {
  readonly end: Checkpoint
  readonly events: readonly LedgerEvent[]
}

export interface HistoryContent {
  readonly base: { readonly end: Checkpoint; readonly ledger: LedgerContent }
  readonly segments: readonly HistorySegment[]
}

/** Some five hours of looks at the chain. */
const SEGMENTS_MAX = 64

export class LogHistory {
  readonly #rules: LedgerRules
  #base: { end: Checkpoint; ledger: LedgerState }
  #segments: HistorySegment[]
  #ledger: LedgerState

  constructor(rules: LedgerRules, { base, segments }: HistoryContent) {
    this.#rules = rules
    this.#base = { end: base.end, ledger: new LedgerState(rules, base.ledger) }
    this.#segments = [...segments]
    this.#ledger = this.#replayed()
  }

  /** Nothing read yet: the first page begins with `firstBlock`. */
  static startingAt(rules: LedgerRules, firstBlock: bigint): LogHistory {
    const base = {
      end: { number: firstBlock - 1n, hash: ZERO_HASH, timestampS: 0n },
      ledger: new LedgerState(rules).content(),
    }
    return new LogHistory(rules, { base, segments: [] })
  }

  content(): HistoryContent {
    return { base: { end: this.#base.end, ledger: this.#base.ledger.content() }, segments: this.#segments }
  }

  /** Up to where everything has been read. */
  get end(): Checkpoint {
    return this.#segments.at(-1)?.end ?? this.#base.end
  }

  /** The ledger at the end. */
  get ledger(): LedgerState {
    return this.#ledger
  }

  /** Newest first. */
  checkpoints(): readonly Checkpoint[] {
    return [this.#base.end, ...this.#segments.map(({ end }) => end)].toReversed()
  }

  /**
   * Adds the page that begins after the end. Leaves everything as it was when the page does not fit.
   * @throws {StakingError} LOGS_INCONSISTENT, MEMBERS_TOO_MANY
   */
  append(page: LogPage): void {
    const events = gathered(page.events)
    if (events.length > 0) {
      const next = this.#ledger.copy()
      for (const event of events) next.apply(event)
      this.#ledger = next
    }
    const { number, hash, timestampS } = page.end
    this.#segments.push({ end: { number, hash, timestampS }, events })
    while (this.#segments.length > SEGMENTS_MAX) this.#settleOldest()
  }

  /** Takes back all pages after the checkpoint. */
  rewindTo(checkpoint: Checkpoint): void {
    this.#segments = this.#segments.filter(({ end }) => end.number <= checkpoint.number)
    this.#ledger = this.#replayed()
  }

  #settleOldest(): void {
    const oldest = this.#segments.shift()
    if (oldest === undefined) return
    for (const event of oldest.events) this.#base.ledger.apply(event)
    this.#base.end = oldest.end
  }

  #replayed(): LedgerState {
    const ledger = new LedgerState(this.#rules, this.#base.ledger.content())
    for (const { events } of this.#segments) for (const event of events) ledger.apply(event)
    return ledger
  }
}

/** Anybody may have the pool release funds as often as they like, so a page keeps one sum a period. */
function gathered(events: readonly LedgerEvent[]): readonly LedgerEvent[] {
  const kept: LedgerEvent[] = []
  for (const event of events) {
    const last = kept.at(-1)
    if (event.kind === 'released' && last?.kind === 'released' && last.period === event.period) {
      kept[kept.length - 1] = { ...event, amountAtomic: last.amountAtomic + event.amountAtomic }
    } else kept.push(event)
  }
  return kept
}
