import type { TimestampMs } from '../base/clock.ts'
import type { ChainProvider } from './chain-provider.ts'
import type { ChainBlock } from './chain-reply.ts'
import type { ChainStanding } from './chain-standing.ts'
import { requireRightContract } from './contract-check.ts'
import { isProviderFault, StakingError, type StakingErrorCode } from './errors.ts'
import type { HeadStanding } from './head-judgement.ts'
import { checkChainOptions, type StakingOptions } from './options.ts'
import {
  createProviderEntry,
  isSound,
  type ProviderEntry,
  type ProviderEntryComponents,
  type ProviderEntryOptions,
} from './provider-entry.ts'
import { ProviderReport, type ProviderReportComponents, type ProviderStatus } from './provider-report.ts'

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
  /**
   * Takes other URLs. What is known of a provider that stays in its place is kept; another is checked before it is believed. Whoever asks
   * one that is gone gets its answer still.
   * @throws {StakingError} STAKING_OPTIONS_INVALID
   */
  replace(rpcUrls: readonly string[]): void
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

export type ProvidersComponents = ProviderEntryComponents & ProviderReportComponents

export type ProvidersOptions = ProviderEntryOptions &
  Pick<StakingOptions, 'chainId' | 'contract' | 'rpcUrls' | 'providerCheckIntervalMs' | 'compareIntervalMs'>

/** @throws {StakingError} STAKING_OPTIONS_INVALID */
export function createChainProviders(components: ProvidersComponents, options: ProvidersOptions): ChainProviders {
  checkChainOptions(options)
  const providers = new Providers(components, options)
  providers.warnOfOne()
  return providers
}

/** One provider may lie, be broken or lag; two of different vendors that say the same are believed. */
const QUORUM = 2

class Providers implements ChainProviders {
  readonly #components: ProvidersComponents
  #options: ProvidersOptions
  #entries: readonly ProviderEntry[]
  #report: ProviderReport
  /** Those of providers that are gone, too, as long as somebody waits for one. */
  readonly #entryOf = new WeakMap<ChainProvider, ProviderEntry>()

  constructor(components: ProvidersComponents, options: ProvidersOptions) {
    this.#components = components
    this.#options = options
    this.#entries = options.rpcUrls.map((url, index) => this.#create(url, index))
    this.#report = new ProviderReport(components, this.#entries, this.quorum)
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

  replace(rpcUrls: readonly string[]): void {
    checkChainOptions({ ...this.#options, rpcUrls })
    const before = this.#options.rpcUrls
    const stays = (url: string, index: number) => (before[index] === url ? this.#entries[index] : undefined)
    const gone = this.#entries.slice(rpcUrls.length)
    this.#entries = rpcUrls.map((url, index) => stays(url, index) ?? this.#create(url, index))
    this.#options = { ...this.#options, rpcUrls }
    this.#report = new ProviderReport(this.#components, this.#entries, this.quorum)
    this.#report.forget(gone)
    this.warnOfOne()
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
      const { clock } = this.#components
      if (health.checkedAtMs === undefined || clock.monotonicMs() - health.checkedAtMs >= providerCheckIntervalMs) {
        health.checkedAtMs = undefined
        await requireRightContract(provider, this.#options, signal)
        health.checkedAtMs = clock.monotonicMs()
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
    health.comparedAtMs = this.#components.clock.monotonicMs()
    health.dissented()
  }

  reportAgreement(provider: ChainProvider): void {
    const { health } = this.#entry(provider)
    health.comparedAtMs = this.#components.clock.monotonicMs()
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
    const sinceMs = this.#components.clock.monotonicMs() - (health.comparedAtMs ?? -Infinity)
    const isDue = sinceMs >= this.#options.compareIntervalMs
    return isDue ? 'with-a-new-list' : 'no'
  }

  review(): void {
    this.#report.review()
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
    return this.#report.standing()
  }

  status(): readonly ProviderStatus[] {
    return this.#report.status()
  }

  #create(url: string, index: number): ProviderEntry {
    const entry = createProviderEntry(this.#components, { url, index }, this.#options)
    this.#entryOf.set(entry.provider, entry)
    return entry
  }

  #entry(provider: ChainProvider): ProviderEntry {
    const entry = this.#entryOf.get(provider)
    if (entry === undefined) throw new RangeError('This provider is not of this set')
    return entry
  }
}
