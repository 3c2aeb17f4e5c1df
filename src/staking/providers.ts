import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import { SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { wait } from '../base/wait.ts'
import { type ChainProvider, createChainProvider } from './chain-provider.ts'
import type { ChainBlock } from './chain-reply.ts'
import { CHAIN_STANDINGS, type ChainStanding, type Soundness, standingOf } from './chain-standing.ts'
import { requireRightContract } from './contract-check.ts'
import { isProviderFault, StakingError, type StakingErrorCode } from './errors.ts'
import type { HeadStanding } from './head-judgement.ts'
import type { ProviderLabel, StakingMetrics } from './metrics.ts'
import { checkChainOptions, type StakingOptions } from './options.ts'
import { ProviderHealth } from './provider-health.ts'
import { RequestBudget } from './request-budget.ts'
import { createRpcClient } from './rpc-client.ts'

/** Whether a provider is asked first, stands by, or is asked last because of its faults. */
export type ProviderRole = 'used' | 'spare' | 'aside'

export interface ProviderStatus {
  /** Name and port. The rest of the URL may hold a key. */
  readonly host: string
  readonly healthy: boolean
  readonly lastError: StakingErrorCode | undefined
  readonly role: ProviderRole
  /** Whether its fault has lasted long enough to tell the operator. */
  readonly isFaulty: boolean
  /** Number of its newest final block. */
  readonly headBlock: number | undefined
  /** Requests that it may be sent at once. */
  readonly budgetLeft: number
}

/** The configured RPC providers: which may be asked now, and how they fared. */
export interface ChainProviders {
  /** How many must agree before a result counts. */
  readonly quorum: number
  readonly count: number
  /** Those not resting after a failure, in the configured order, but those with a fault last. */
  available(): readonly ChainProvider[]
  /**
   * Does work with one provider, after a check (if one is due) that it serves the right chain and contract. A failure of the
   * provider lets it rest.
   */
  use<T>(provider: ChainProvider, work: (provider: ChainProvider) => Promise<T>, signal: AbortSignal): Promise<T>
  /** Records that others agree on something else than this provider said. */
  reportDissent(provider: ChainProvider): void
  /** Records that others agree with what it said about the members. */
  reportAgreement(provider: ChainProvider): void
  /** Records its newest final block, and how that stands beside the others'. */
  reportHead(head: { readonly provider: ChainProvider; readonly block: ChainBlock }, standing: HeadStanding): void
  /** Whether what it says of the members should be held against what others agreed on. */
  mustBeCompared(provider: ChainProvider): 'now' | 'with-a-new-list' | 'no'
  /** Looks at how all of them fare: tells changes in the log, and everything in the metrics. */
  review(): void
  /**
   * Looks at every provider. One that cannot be reached is no reason to refuse a start, but one of another chain is. One without the
   * contract is, unless another has it: a node of one's own that is still fetching the chain does not have it yet.
   * @throws {StakingError} CHAIN_WRONG, CONTRACT_WRONG
   */
  refuseWrongChain(signal: AbortSignal): Promise<void>
  standing(): ChainStanding
  status(): readonly ProviderStatus[]
  /** The time by which they are judged. */
  nowMs(): TimestampMs
}

export interface ProvidersComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: StakingMetrics
  /** How waits for the budget pass. */
  readonly pause?: (ms: DurationMs, signal: AbortSignal) => Promise<void>
}

export type ProvidersOptions = Pick<
  StakingOptions,
  | 'chainId'
  | 'contract'
  | 'rpcUrls'
  | 'requestTimeoutMs'
  | 'requestsPerSecond'
  | 'requestsBurst'
  | 'retryAfterMaxMs'
  | 'slowAnswerMs'
  | 'replyMaxBytes'
  | 'backOffMinMs'
  | 'backOffMaxMs'
  | 'providerCheckIntervalMs'
  | 'providerGraceMs'
  | 'compareIntervalMs'
>

interface Entry {
  readonly provider: ChainProvider
  readonly health: ProviderHealth
  readonly budget: RequestBudget
  readonly label: ProviderLabel
  /** Whether the log says that it has a fault. */
  isTold: boolean
}

/** @throws {StakingError} STAKING_OPTIONS_INVALID */
export function createChainProviders(components: ProvidersComponents, options: ProvidersOptions): ChainProviders {
  checkChainOptions(options)
  const providers = new Providers(components, options)
  providers.warnOfOne()
  return providers
}

/** One provider may lie, be broken or lag; two of different vendors that say the same are believed. */
const QUORUM = 2

const LABELS: readonly ProviderLabel[] = ['0', '1', '2', '3', '4', '5', '6', '7']

class Providers implements ChainProviders {
  readonly #components: ProvidersComponents
  readonly #options: ProvidersOptions
  readonly #entries: readonly Entry[]
  #toldStanding: ChainStanding | undefined

  constructor(components: ProvidersComponents, options: ProvidersOptions) {
    this.#components = components
    this.#options = options
    this.#entries = options.rpcUrls.map((url, index) => this.#entryOf(url, index))
  }

  get quorum(): number {
    return Math.min(this.#entries.length, QUORUM)
  }

  get count(): number {
    return this.#entries.length
  }

  nowMs(): TimestampMs {
    return this.#components.clock.nowMs()
  }

  warnOfOne(): void {
    if (this.#entries.length > 1) return
    const facts = { provider: this.#entries[0]?.provider.host }
    this.#components.log.warn(facts, 'Only one RPC provider is configured, so what it says is trusted')
  }

  available(): readonly ChainProvider[] {
    const rested = this.#entries.filter(({ health }) => !health.isResting)
    const [sound, faulty] = [rested.filter(isSound), rested.filter((entry) => !isSound(entry))]
    return [...sound, ...faulty].map(({ provider }) => provider)
  }

  async use<T>(
    provider: ChainProvider,
    work: (provider: ChainProvider) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { health } = this.#entry(provider)
    const { providerCheckIntervalMs } = this.#options
    try {
      if (health.checkedAtMs === undefined || this.nowMs() - health.checkedAtMs >= providerCheckIntervalMs) {
        health.checkedAtMs = undefined
        await requireRightContract(provider, this.#options, signal)
        health.checkedAtMs = this.nowMs()
      }
      const result = await work(provider)
      health.succeeded()
      return result
    } catch (error) {
      if (isProviderFault(error)) health.failed(error.code, Number(error.details['retryAfterMs'] ?? 0))
      throw error
    }
  }

  reportDissent(provider: ChainProvider): void {
    const { health, label } = this.#entry(provider)
    this.#components.metrics.providerDisagreements.inc({ provider: label })
    health.comparedAtMs = this.nowMs()
    health.dissented()
  }

  reportAgreement(provider: ChainProvider): void {
    const { health } = this.#entry(provider)
    health.comparedAtMs = this.nowMs()
    health.judge('PROVIDER_DISAGREES', false)
  }

  reportHead(
    { provider, block }: { readonly provider: ChainProvider; readonly block: ChainBlock },
    standing: HeadStanding,
  ): void {
    const { health } = this.#entry(provider)
    health.head = block
    health.judge('PROVIDER_AHEAD', standing === 'ahead')
    health.judge('PROVIDER_BEHIND', standing === 'behind')
  }

  mustBeCompared(provider: ChainProvider): 'now' | 'with-a-new-list' | 'no' {
    const { health } = this.#entry(provider)
    if (health.isHeld('PROVIDER_DISAGREES')) return 'now'
    const isDue = this.nowMs() - (health.comparedAtMs ?? 0) >= this.#options.compareIntervalMs
    return isDue ? 'with-a-new-list' : 'no'
  }

  review(): void {
    const isFirst = this.#toldStanding === undefined
    for (const entry of this.#entries) this.#tell(entry, isFirst)
    this.#tellStanding()
    this.#measure()
  }

  async refuseWrongChain(signal: AbortSignal): Promise<void> {
    const looks = await Promise.allSettled(
      this.#entries.map(({ provider }) => this.use(provider, async () => {}, signal)),
    )
    const failures = looks.flatMap((look) => (look.status === 'rejected' ? [look.reason] : []))
    const failureOf = (code: StakingErrorCode) =>
      failures.find((reason) => reason instanceof StakingError && reason.code === code)
    const isSomewhere = failures.length < looks.length
    const reason = failureOf('CHAIN_WRONG') ?? (isSomewhere ? undefined : failureOf('CONTRACT_WRONG'))
    if (reason !== undefined) throw reason
  }

  standing(): ChainStanding {
    return standingOf(
      this.#entries.map((entry) => this.#soundnessOf(entry)),
      this.quorum,
    )
  }

  status(): readonly ProviderStatus[] {
    return this.#entries.map((entry) => {
      const { provider, health, budget } = entry
      return {
        host: provider.host,
        healthy: health.trouble === undefined && health.checkedAtMs !== undefined,
        lastError: health.trouble,
        role: this.#roleOf(entry),
        isFaulty: this.#isFaulty(entry),
        headBlock: health.head === undefined ? undefined : Number(health.head.number),
        budgetLeft: budget.left(),
      }
    })
  }

  #entryOf(url: string, index: number): Entry {
    const { clock, metrics, pause = wait } = this.#components
    const { requestsBurst, requestsPerSecond } = this.#options
    const label = LABELS[index] ?? '7'
    const health = new ProviderHealth(clock, this.#options)
    const budget = new RequestBudget({ clock, pause }, { burst: requestsBurst, perSecond: requestsPerSecond })
    const rpc = createRpcClient(
      {
        clock,
        budget,
        onWait: () => metrics.budgetWaits.inc({ provider: label }),
        onEnd: (outcome, tookMs) => {
          metrics.requests.inc({ provider: label, outcome })
          metrics.requestSeconds.observe(tookMs / SECOND, { provider: label })
          if (outcome === 'ok') health.timed(tookMs)
        },
      },
      { url, ...this.#options },
    )
    return { provider: createChainProvider(rpc, index), health, budget, label, isTold: false }
  }

  #entry(provider: ChainProvider): Entry {
    const entry = this.#entries[provider.index]
    if (entry === undefined) throw new RangeError('This provider is not of this set')
    return entry
  }

  /** A hiccup is not told; what was told stays so until it is over. */
  #isFaulty({ health, isTold }: Entry): boolean {
    return health.isFaulty || (isTold && health.trouble !== undefined)
  }

  #soundnessOf(entry: Entry): Soundness {
    if (!this.#isFaulty(entry)) return 'sound'
    return entry.health.trouble === 'PROVIDER_SLOW' ? 'slow' : 'faulty'
  }

  #roleOf(entry: Entry): ProviderRole {
    if (!isSound(entry)) return 'aside'
    return this.#entries.filter(isSound).indexOf(entry) < this.quorum ? 'used' : 'spare'
  }

  #tell(entry: Entry, isFirst: boolean): void {
    const { log } = this.#components
    const { health, provider, isTold } = entry
    health.reviewed()
    entry.isTold = this.#isFaulty(entry) || (isFirst && !isSound(entry))
    if (entry.isTold && !isTold) log.warn({ provider: provider.host, code: health.trouble }, 'An RPC provider fails')
    if (!entry.isTold && isTold) log.info({ provider: provider.host }, 'An RPC provider is well again')
  }

  #tellStanding(): void {
    const { log } = this.#components
    const standing = this.standing()
    const before = this.#toldStanding
    this.#toldStanding = standing
    if (standing === before || standing === 'trusting-one') return
    const used = this.#entries.filter((entry) => this.#roleOf(entry) === 'used').map(({ provider }) => provider.host)
    const facts = { standing, used: used.join(' ') }
    if (standing !== 'full') log.warn(facts, STANDING_SENTENCES[standing])
    else if (before !== undefined) log.info(facts, STANDING_SENTENCES[standing])
  }

  #measure(): void {
    const { metrics } = this.#components
    for (const entry of this.#entries) {
      const { health, budget, label: provider } = entry
      metrics.providerUp.set(isSound(entry) ? 1 : 0, { provider })
      metrics.providerInUse.set(this.#roleOf(entry) === 'used' ? 1 : 0, { provider })
      metrics.budgetLeft.set(budget.left(), { provider })
      if (health.head === undefined) continue
      metrics.providerHead.set(Number(health.head.number), { provider })
      metrics.providerHeadAge.set(Math.max(0, this.nowMs() / SECOND - Number(health.head.timestampS)), { provider })
    }
    const standing = this.standing()
    for (const one of CHAIN_STANDINGS) metrics.standing.set(one === standing ? 1 : 0, { standing: one })
  }
}

const STANDING_SENTENCES: Readonly<Record<Exclude<ChainStanding, 'trusting-one'>, string>> = {
  full: 'All RPC providers are sound',
  'without-spare': 'An RPC provider that stands by has a fault',
  'on-backup': 'The node relies on backup RPC providers: one of those configured first has a fault',
  'too-few': 'Too few RPC providers are left to agree, so the service node list may stay as it is',
}

function isSound({ health }: Entry): boolean {
  return health.trouble === undefined
}
