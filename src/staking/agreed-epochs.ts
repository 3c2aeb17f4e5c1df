import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import type { Logger } from '../base/logger.ts'
import type { MembershipEpoch } from '../protocol/service-node.ts'
import { agree, agreeOnEpoch, epochDigest } from './agreement.ts'
import type { ChainProvider } from './chain-provider.ts'
import { createEpochReader, type EpochReader, type EpochReaderOptions } from './epoch-reader.ts'
import { boundaryS } from './epochs.ts'
import { StakingError } from './errors.ts'
import type { Head } from './finalized-heads.ts'
import type { StakingMetrics } from './metrics.ts'
import type { StakingOptions } from './options.ts'
import type { ChainProviders } from './providers.ts'

export interface AgreedEpochsComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Pick<StakingMetrics, 'disagreements'>
  readonly providers: ChainProviders
}

export type AgreedEpochsOptions = EpochReaderOptions & Pick<StakingOptions, 'hedgeAfterMs'>

/** Who takes longer to prove itself must not keep the next look waiting. */
const COMPARISON_MAX_MS: DurationMs = 30 * SECOND

/** Epochs as enough providers tell them, and what each provider's word about them is worth. */
export class AgreedEpochs {
  readonly #components: AgreedEpochsComponents
  readonly #options: AgreedEpochsOptions
  /** Of providers that are not configured any more, none is kept. */
  #readers = new WeakMap<ChainProvider, EpochReader>()

  constructor(components: AgreedEpochsComponents, options: AgreedEpochsOptions) {
    this.#components = components
    this.#options = options
  }

  /** @throws {StakingError} PROVIDERS_DISAGREE, PROVIDERS_UNAVAILABLE, EPOCH_UNKNOWN, MEMBERS_TOO_MANY */
  async read(index: number, heads: readonly Head[], signal: AbortSignal): Promise<MembershipEpoch> {
    const { providers, metrics } = this.#components
    const sources = this.#past(index, heads)
    const ask = async ({ provider, block }: Head, settled: AbortSignal) => {
      const until = AbortSignal.any([signal, settled])
      return await providers.use(provider, () => this.#readerOf(provider).read(index, block, until), until)
    }
    try {
      const { hedgeAfterMs } = this.#options
      const { answer: epoch, agreeing, dissenters } = await agreeOnEpoch(sources, providers.quorum, ask, hedgeAfterMs)
      if (dissenters.length > 0) metrics.disagreements.inc()
      for (const { provider } of agreeing) providers.reportAgreement(provider)
      for (const { provider } of dissenters) this.#contradicted(provider, index)
      return epoch
    } catch (error) {
      if (error instanceof StakingError && error.code === 'PROVIDERS_DISAGREE') {
        metrics.disagreements.inc()
        // One of them has a false list, nobody knows which.
        for (const { provider } of sources) this.#readerOf(provider).forget()
      }
      throw error
    }
  }

  /** Whether the block of an epoch is still the chain's. @throws {StakingError} PROVIDERS_DISAGREE, PROVIDERS_UNAVAILABLE */
  async isOnChain(epoch: MembershipEpoch, heads: readonly Head[], signal: AbortSignal): Promise<boolean> {
    const { providers } = this.#components
    const ask = async ({ provider }: Head, settled: AbortSignal) => {
      const until = AbortSignal.any([signal, settled])
      return await providers.use(
        provider,
        async () => (await provider.block(epoch.blockNumber, until))?.hash ?? '',
        until,
      )
    }
    const { hedgeAfterMs } = this.#options
    const question = { about: 'a final block', ask, digestOf: (hash: string) => hash, hedgeAfterMs }
    const { answer, dissenters } = await agree(this.#past(epoch.index, heads), providers.quorum, question)
    for (const { provider } of dissenters) this.#contradicted(provider, epoch.index)
    return answer === epoch.blockHash
  }

  /**
   * Puts providers to the test that were not needed for the agreement, each on the list that others agreed on: those in doubt every time,
   * so that they come back as soon as they tell the truth again, and the others now and then, before they are needed.
   */
  async compareOthers(
    epoch: MembershipEpoch,
    { heads, isNew }: { heads: readonly Head[]; isNew: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const { providers } = this.#components
    if (providers.count === 1) return
    const until = withDeadline(COMPARISON_MAX_MS, signal)
    const agreed = epochDigest(epoch)
    const compare = async ({ provider, block }: Head) => {
      const read = () => this.#readerOf(provider).read(epoch.index, block, until)
      const told = epochDigest(await providers.use(provider, read, until))
      if (told === agreed) providers.reportAgreement(provider)
      else this.#contradicted(provider, epoch.index)
    }
    const due = this.#past(epoch.index, heads).filter(({ provider }) => {
      const must = providers.mustBeCompared(provider)
      return must === 'now' || (must === 'with-a-new-list' && isNew)
    })
    for (const result of await Promise.allSettled(due.map(compare))) {
      // What a provider fails with shows in its own state, and is no failure of this look.
      if (result.status === 'rejected' && !(result.reason instanceof StakingError)) throw result.reason
    }
  }

  /** Carries nothing over to the next reading: the lists that are known may be of other blocks or other code. */
  forget(): void {
    this.#readers = new WeakMap()
  }

  /** Those whose final blocks have passed the boundary of an epoch. */
  #past(index: number, heads: readonly Head[]): readonly Head[] {
    const boundary = boundaryS(index, this.#options.epochLengthS)
    return heads.filter(({ block }) => block.timestampS > boundary)
  }

  /** Named once, until it says the same as others again. */
  #contradicted(provider: ChainProvider, epoch: number): void {
    const { providers, log } = this.#components
    if (providers.mustBeCompared(provider) !== 'now')
      log.warn({ provider: provider.host, epoch }, 'An RPC provider contradicts the others about the members')
    providers.reportDissent(provider)
    this.#readerOf(provider).forget()
  }

  #readerOf(provider: ChainProvider): EpochReader {
    const known = this.#readers.get(provider)
    if (known !== undefined) return known
    const reader = createEpochReader(provider, this.#components, this.#options)
    this.#readers.set(provider, reader)
    return reader
  }
}
