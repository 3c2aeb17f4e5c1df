import { type Clock, SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { CHAIN_STANDINGS, type ChainStanding, type Soundness, standingOf } from './chain-standing.ts'
import type { StakingErrorCode } from './errors.ts'
import type { StakingMetrics } from './metrics.ts'
import { isSound, type ProviderEntry } from './provider-entry.ts'

/** Whether a provider is asked first, stands by, or is asked last because of its faults. */
export type ProviderRole = 'used' | 'spare' | 'aside'

export interface ProviderStatus {
  /** Name and port. The rest of the URL may hold a key. */
  readonly host: string
  readonly healthy: boolean
  readonly lastError: StakingErrorCode | undefined
  readonly role: ProviderRole
  /** Whether its fault is certain, or has lasted long enough to tell the operator. */
  readonly isFaulty: boolean
  /** Number of its newest final block. */
  readonly headBlock: number | undefined
  /** Requests that it may be sent at once. */
  readonly budgetLeft: number
}

export interface ProviderReportComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: StakingMetrics
}

/** What the operator is told of the providers: faults once they are more than a hiccup, and each change once. */
export class ProviderReport {
  readonly #components: ProviderReportComponents
  readonly #entries: readonly ProviderEntry[]
  readonly #quorum: number
  /** Those of which the log says that they have a fault. */
  readonly #told = new Set<ProviderEntry>()
  #toldStanding: ChainStanding | undefined

  constructor(components: ProviderReportComponents, entries: readonly ProviderEntry[], quorum: number) {
    this.#components = components
    this.#entries = entries
    this.#quorum = quorum
  }

  standing(): ChainStanding {
    return standingOf(
      this.#entries.map((entry) => this.#soundnessOf(entry)),
      this.#quorum,
    )
  }

  status(): readonly ProviderStatus[] {
    return this.#entries.map((entry) => {
      const { provider, health, budget } = entry
      return {
        host: provider.host,
        healthy: isSound(entry) && health.checkedAtMs !== undefined,
        lastError: health.trouble,
        role: this.#roleOf(entry),
        isFaulty: this.#isFaulty(entry),
        headBlock: health.head === undefined ? undefined : Number(health.head.number),
        budgetLeft: budget.left(),
      }
    })
  }

  /** Tells changes in the log, and everything in the metrics. */
  review(): void {
    const isFirst = this.#toldStanding === undefined
    for (const entry of this.#entries) this.#tell(entry, isFirst)
    this.#tellStanding()
    this.#measure()
  }

  /** Takes what was told of providers that are configured no more out of the metrics. */
  forget(entries: readonly ProviderEntry[]): void {
    const { providerUp, providerInUse, providerHead, providerHeadAge, budgetLeft } = this.#components.metrics
    for (const { label: provider } of entries) {
      for (const gauge of [providerUp, providerInUse, providerHead, providerHeadAge, budgetLeft]) {
        gauge.remove({ provider })
      }
    }
  }

  /** What was told stays so until it is over. */
  #isFaulty(entry: ProviderEntry): boolean {
    return entry.health.isFaulty || (this.#told.has(entry) && !isSound(entry))
  }

  #soundnessOf(entry: ProviderEntry): Soundness {
    if (!this.#isFaulty(entry)) return 'sound'
    return entry.health.trouble === 'PROVIDER_SLOW' ? 'slow' : 'faulty'
  }

  #roleOf(entry: ProviderEntry): ProviderRole {
    if (!isSound(entry)) return 'aside'
    return this.#entries.filter(isSound).indexOf(entry) < this.#quorum ? 'used' : 'spare'
  }

  /** What fails from the start is told at once: somebody waits for the node, and a key may be wrong. */
  #tell(entry: ProviderEntry, isFirst: boolean): void {
    const { log } = this.#components
    const { health, provider } = entry
    health.reviewed()
    const wasTold = this.#told.has(entry)
    const isFaulty = this.#isFaulty(entry) || (isFirst && !isSound(entry))
    if (isFaulty && !wasTold) {
      this.#told.add(entry)
      log.warn({ provider: provider.host, code: health.trouble }, 'An RPC provider fails')
    } else if (!isFaulty && wasTold) {
      this.#told.delete(entry)
      log.info({ provider: provider.host }, 'An RPC provider is well again')
    }
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
    const { metrics, clock } = this.#components
    for (const entry of this.#entries) {
      const { health, budget, label: provider } = entry
      metrics.providerUp.set(isSound(entry) ? 1 : 0, { provider })
      metrics.providerInUse.set(this.#roleOf(entry) === 'used' ? 1 : 0, { provider })
      metrics.budgetLeft.set(budget.left(), { provider })
      // There before the first one: a series that begins with it has not grown by it, and an alert would miss it.
      metrics.providerDisagreements.add(0, { provider })
      if (health.head === undefined) continue
      metrics.providerHead.set(Number(health.head.number), { provider })
      metrics.providerHeadAge.set(Math.max(0, clock.nowMs() / SECOND - Number(health.head.timestampS)), { provider })
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
