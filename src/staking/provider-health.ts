import { type Clock, type DurationMs, HOUR } from '../base/clock.ts'
import type { ChainBlock } from './chain-reply.ts'
import type { StakingErrorCode } from './errors.ts'
import type { StakingOptions } from './options.ts'

/** What is held against a provider although it answers. */
export type ProviderVerdict = Extract<
  StakingErrorCode,
  'PROVIDER_DISAGREES' | 'PROVIDER_AHEAD' | 'PROVIDER_BEHIND' | 'PROVIDER_SLOW'
>

export type HealthOptions = Pick<
  StakingOptions,
  'backOffMinMs' | 'backOffMaxMs' | 'retryAfterMaxMs' | 'slowAnswerMs' | 'providerGraceMs'
>

const IDENTITY: ReadonlySet<StakingErrorCode> = new Set<StakingErrorCode>(['CHAIN_WRONG', 'CONTRACT_WRONG'])
/** What does not happen to a good provider now and then. */
const CERTAIN: ReadonlySet<StakingErrorCode> = new Set<StakingErrorCode>([
  ...IDENTITY,
  'PROVIDER_DISAGREES',
  'PROVIDER_AHEAD',
  'PROVIDER_SLOW',
])

interface Suspicion {
  /** When it was last found. */
  readonly foundAtMs: DurationMs
  readonly isHeld: boolean
  readonly relapses: number
}

const RELAPSE_WITHIN_MS: DurationMs = HOUR
/** Some ten minutes with the default grace. */
const RELAPSES_COUNTED = 5
/** Enough for any back-off, and 2 to this power is still exact. */
const FAILURES_COUNTED = 30
/** The median of so many answers tells a slow provider from a slow moment, and a fast one again within a look. */
const ANSWERS_TIMED = 3

/**
 * How one provider fares. A request that succeeds ends a failure, for then it can be asked. It does not end a verdict: a provider that
 * lied about the members answers other questions as well as any, and only the same question again can clear it.
 */
export class ProviderHealth {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'nowMs'>
  readonly #options: HealthOptions
  readonly #verdicts = new Map<ProviderVerdict, Suspicion>()
  #failures = 0
  #failure: StakingErrorCode | undefined
  #restsUntilMs: DurationMs = 0
  #troubledSinceMs: DurationMs | undefined
  #answerTimesMs: DurationMs[] = []
  /** When it last proved to serve the right chain and contract. */
  checkedAtMs: DurationMs | undefined
  /** When it last said the same as others about a list. */
  comparedAtMs: DurationMs | undefined
  head: ChainBlock | undefined

  constructor(clock: Pick<Clock, 'monotonicMs' | 'nowMs'>, options: HealthOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** What is wrong with it; undefined while nothing is. */
  get trouble(): StakingErrorCode | undefined {
    const verdict = [...this.#verdicts].find(([, { isHeld }]) => isHeld)?.[0]
    // Another chain explains whatever else seems wrong.
    return this.#failure !== undefined && IDENTITY.has(this.#failure) ? this.#failure : (verdict ?? this.#failure)
  }

  /** Whether that is certain, or has lasted so long that it is more than a hiccup. */
  get isFaulty(): boolean {
    if (this.#troubledSinceMs === undefined || this.trouble === undefined) return false
    const lastsMs = this.#clock.monotonicMs() - this.#troubledSinceMs
    return CERTAIN.has(this.trouble) || lastsMs >= this.#options.providerGraceMs
  }

  get isResting(): boolean {
    return this.#restsUntilMs > this.#clock.monotonicMs()
  }

  /** A look at the chain is over. Only now is one well that had a fault: within a look, one fault may end right before another is found. */
  reviewed(): void {
    if (this.trouble === undefined) this.#troubledSinceMs = undefined
  }

  isHeld(verdict: ProviderVerdict): boolean {
    return this.#verdicts.get(verdict)?.isHeld === true
  }

  succeeded(): void {
    this.#failures = 0
    this.#failure = undefined
    this.#restsUntilMs = 0
  }

  failed(code: StakingErrorCode, retryAfterMs: DurationMs = 0): void {
    this.#failure = code
    this.#rest(retryAfterMs)
    this.#settle()
  }

  /**
   * Holds something against it, or no longer: once for a while it was not found, lest one that is right every other time seem well. The while
   * is doubled each time that it is found again within an hour.
   */
  judge(verdict: ProviderVerdict, isFound: boolean): void {
    const nowMs = this.#clock.monotonicMs()
    const known = this.#verdicts.get(verdict)
    if (isFound) this.#verdicts.set(verdict, this.#suspicion(known, nowMs))
    else if (known?.isHeld === true) {
      const graceMs = this.#options.providerGraceMs * 2 ** known.relapses
      if (nowMs - known.foundAtMs >= graceMs) this.#verdicts.set(verdict, { ...known, isHeld: false })
    }
    this.#settle()
  }

  #suspicion(known: Suspicion | undefined, nowMs: DurationMs): Suspicion {
    if (known?.isHeld === true) return { ...known, foundAtMs: nowMs }
    // Something new against it may come from another chain behind the same URL: it has to prove itself again.
    this.checkedAtMs = undefined
    const isRelapse = known !== undefined && nowMs - known.foundAtMs < RELAPSE_WITHIN_MS
    const relapses = isRelapse ? Math.min(known.relapses + 1, RELAPSES_COUNTED) : 0
    return { foundAtMs: nowMs, isHeld: true, relapses }
  }

  /** Others say something else: left alone for a moment, then asked again. */
  dissented(): void {
    this.#rest(0)
    this.judge('PROVIDER_DISAGREES', true)
  }

  /** The time that an answer took. */
  timed(tookMs: DurationMs): void {
    this.#answerTimesMs = [...this.#answerTimesMs, tookMs].slice(-ANSWERS_TIMED)
    if (this.#answerTimesMs.length < ANSWERS_TIMED) return
    const median = this.#answerTimesMs.toSorted((a, b) => a - b)[Math.floor(ANSWERS_TIMED / 2)] ?? 0
    this.judge('PROVIDER_SLOW', median > this.#options.slowAnswerMs)
  }

  #rest(retryAfterMs: DurationMs): void {
    const { backOffMinMs, backOffMaxMs, retryAfterMaxMs } = this.#options
    const backOffMs = Math.min(backOffMinMs * 2 ** this.#failures, backOffMaxMs)
    const askedForMs = Math.min(retryAfterMs, retryAfterMaxMs)
    this.#failures = Math.min(this.#failures + 1, FAILURES_COUNTED)
    this.#restsUntilMs = this.#clock.monotonicMs() + Math.max(backOffMs, askedForMs)
  }

  #settle(): void {
    if (this.trouble !== undefined) this.#troubledSinceMs ??= this.#clock.monotonicMs()
  }
}
