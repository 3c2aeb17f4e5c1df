import { mkdir } from 'node:fs/promises'
import { type Clock, type DurationMs, SECOND, type TimestampMs } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import { networkIdOf } from '../protocol/network-id.ts'
import type { MembershipEpoch } from '../protocol/service-node.ts'
import { AgreedEpochs, type AgreedEpochsOptions } from './agreed-epochs.ts'
import type { ChainStanding } from './chain-standing.ts'
import {
  type ContractStatus,
  type ContractWatch,
  type ContractWatchOptions,
  createContractWatch,
} from './contract-watch.ts'
import { epochFilePath, type KeptEpochs, readEpochFile, writeEpochFile } from './epoch-file.ts'
import { epochsToFetch, newestCertainEpoch } from './epochs.ts'
import { StakingError, type StakingErrorCode } from './errors.ts'
import { type Head, type Heads, readFinalizedHeads } from './finalized-heads.ts'
import type { AgreedHead } from './head-judgement.ts'
import type { StakingMetrics } from './metrics.ts'
import type { StakingOptions } from './options.ts'
import type { ProviderStatus } from './provider-report.ts'
import type { ChainProviders } from './providers.ts'

export interface MembershipStatus {
  readonly currentEpoch: number | undefined
  readonly members: number | undefined
  /** Number of the newest finalized block that enough providers have. */
  readonly finalizedBlock: number | undefined
  /** Age of that block. */
  readonly headAgeMs: number | undefined
  /** Whether nothing newer has become final for so long that nothing is signed. */
  readonly isFrozen: boolean
  readonly providers: readonly ProviderStatus[]
  /** How well all this is founded. */
  readonly standing: ChainStanding
  readonly trustsOneProvider: boolean
  /** The contract's code and rules; undefined until they have been read. */
  readonly contract: ContractStatus | undefined
  /** When the chain last answered as it should. */
  readonly lastSuccessMs: TimestampMs | undefined
  /** Why the last look at the chain failed; undefined when it did not. */
  readonly lastError: StakingErrorCode | undefined
}

/** The service node list, epoch by epoch. While the chain or its providers fail, the last agreed list stays. */
export interface MembershipFollower extends AsyncDisposable {
  /** Undefined until the first epoch is agreed on; from disk after a restart. */
  current(): MembershipEpoch | undefined
  previous(): MembershipEpoch | undefined
  /** Calls the listener for each new epoch, in order. Returns what ends that. */
  onEpoch(listener: (epoch: MembershipEpoch) => void): () => void
  status(): MembershipStatus
  /** When the newest finalized block was made that enough providers have. */
  newestBlockMs(): TimestampMs | undefined
  /** Looks at the chain now, or joins the look under way. */
  refresh(): Promise<void>
}

export interface FollowerComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: StakingMetrics
  readonly providers: ChainProviders
}

export type FollowerOptions = AgreedEpochsOptions &
  ContractWatchOptions &
  Pick<
    StakingOptions,
    'chainId' | 'pollIntervalMs' | 'passTimeoutMs' | 'stateFolder' | 'finalizedAgeMaxMs' | 'recheckIntervalMs'
  >

/**
 * Follows the contract's membership. Returns after the first look at the chain, whether it succeeded or not.
 * @throws {StakingError} CHAIN_WRONG, CONTRACT_WRONG: an RPC URL is of another network
 */
export async function createMembershipFollower(
  components: FollowerComponents,
  options: FollowerOptions,
): Promise<MembershipFollower> {
  await mkdir(options.stateFolder, { recursive: true, mode: 0o700 })
  await components.providers.refuseWrongChain(withDeadline(options.passTimeoutMs))
  const { log, clock, metrics, providers } = components
  const watchParts = {
    ...{ log, clock, metrics },
    // Other providers may be configured later.
    get quorum() {
      return providers.quorum
    },
  }
  const watch = await createContractWatch(watchParts, options)
  const follower = new Follower(components, options, watch)
  await follower.start()
  return follower
}

class Follower implements MembershipFollower {
  readonly #components: FollowerComponents
  readonly #options: FollowerOptions
  readonly #epochs: AgreedEpochs
  readonly #listeners = new Set<(epoch: MembershipEpoch) => void>()
  readonly #watch: ContractWatch
  readonly #periodic
  #kept: KeptEpochs | undefined
  #finalized: AgreedHead | undefined
  #recheckedAtMs: DurationMs | undefined
  /** Said once. */
  #isContractUnread = false
  #lastSuccessMs: TimestampMs | undefined
  #failure: StakingErrorCode | undefined

  constructor(components: FollowerComponents, options: FollowerOptions, watch: ContractWatch) {
    this.#components = components
    this.#options = options
    this.#epochs = new AgreedEpochs(components, options)
    this.#watch = watch
    const sentence = 'The look at the chain failed'
    this.#periodic = createPeriodic(
      { log: components.log },
      { intervalMs: options.pollIntervalMs, sentence },
      (signal) => this.#look(signal),
    )
  }

  async start(): Promise<void> {
    this.#kept = await this.#readKept()
    if (this.#kept !== undefined) this.#measure(this.#kept.current)
    await this.#periodic.runNow()
  }

  current(): MembershipEpoch | undefined {
    return this.#kept?.current
  }

  previous(): MembershipEpoch | undefined {
    return this.#kept?.previous
  }

  onEpoch(listener: (epoch: MembershipEpoch) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  refresh(): Promise<void> {
    return this.#periodic.runNow()
  }

  status(): MembershipStatus {
    const { providers } = this.#components
    return {
      currentEpoch: this.#kept?.current.index,
      members: this.#kept?.current.members.length,
      finalizedBlock: this.#finalized === undefined ? undefined : Number(this.#finalized.number),
      headAgeMs: this.#headAgeMs(),
      isFrozen: this.#isFrozen(),
      providers: providers.status(),
      standing: providers.standing(),
      trustsOneProvider: providers.count === 1,
      contract: this.#watch.status(),
      lastSuccessMs: this.#lastSuccessMs,
      lastError: this.#failure,
    }
  }

  newestBlockMs(): TimestampMs | undefined {
    return this.#finalized === undefined ? undefined : Number(this.#finalized.timestampS) * SECOND
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#periodic[Symbol.asyncDispose]()
  }

  /** One look at the chain. What fails on the chain's side leaves the list as it is; the status and the metrics tell. */
  async #look(parent: AbortSignal): Promise<void> {
    const signal = withDeadline(this.#options.passTimeoutMs, parent)
    try {
      const heads = await this.#readHeads(signal)
      await this.#recheck(heads, signal)
      const hasNewList = await this.#advance(heads, signal)
      this.#lastSuccessMs = this.#components.clock.nowMs()
      if (this.#failure !== undefined) this.#components.log.info({}, 'The chain can be followed again')
      this.#failure = undefined
      const current = this.#kept?.current
      if (current !== undefined)
        await this.#epochs.compareOthers(current, { heads: heads.heads, isNew: hasNewList }, signal)
    } catch (error) {
      if (parent.aborted) return
      if (!(error instanceof StakingError)) throw error
      this.#sayFailing(error)
    } finally {
      const { metrics, providers } = this.#components
      const ageMs = this.#headAgeMs()
      if (ageMs !== undefined) metrics.finalizedAge.set(ageMs / SECOND)
      metrics.frozen.set(this.#isFrozen() ? 1 : 0)
      providers.review()
    }
  }

  /** What seldom changes is not looked at each time. */
  async #recheck(heads: Heads, signal: AbortSignal): Promise<void> {
    const { epochLengthS, recheckIntervalMs } = this.#options
    const nowMs = this.#components.clock.monotonicMs()
    const isDue = this.#recheckedAtMs === undefined || nowMs - this.#recheckedAtMs >= recheckIntervalMs
    const hasNewEpoch = newestCertainEpoch(heads.agreed.timestampS, epochLengthS) > (this.#kept?.current.index ?? -1)
    // First, so that other code behind the contract's address has the list read anew.
    if (isDue) await this.#watchContract(heads, signal)
    if (isDue || hasNewEpoch) await this.#correct(heads, signal)
    if (isDue) this.#recheckedAtMs = nowMs
  }

  /**
   * Final blocks do not change, unless what makes them final fails. Should the block of the current list be gone all the same, its list is
   * of a history that never was: it is read anew, and holds until enough providers agree on another one.
   */
  async #correct({ heads, agreed }: Heads, signal: AbortSignal): Promise<void> {
    const { log } = this.#components
    const current = this.#kept?.current
    if (current === undefined || newestCertainEpoch(agreed.timestampS, this.#options.epochLengthS) < current.index)
      return
    if (await this.#epochs.isOnChain(current, heads, signal)) return
    log.error(
      { epoch: current.index, block: Number(current.blockNumber) },
      'Final blocks changed, so the list is read anew',
    )
    this.#epochs.forget()
    const indices = epochsToFetch(undefined, newestCertainEpoch(agreed.timestampS, this.#options.epochLengthS))
    await this.#fetch(indices, heads, signal)
  }

  async #watchContract(heads: Heads, signal: AbortSignal): Promise<void> {
    try {
      const hasOtherCode = await this.#watch.look(heads, signal)
      if (hasOtherCode) this.#epochs.forget()
      this.#isContractUnread = false
    } catch (error) {
      if (!(error instanceof StakingError)) throw error
      if (!this.#isContractUnread)
        this.#components.log.warn({ code: error.code }, "The staking contract's code and rules cannot be read")
      this.#isContractUnread = true
    }
  }

  /** Said once for each kind of outage: each provider's own failures are logged besides. */
  #sayFailing(error: StakingError): void {
    if (this.#failure !== error.code) {
      const facts = { code: error.code, epoch: this.#kept?.current.index }
      this.#components.log.warn(facts, 'The chain cannot be followed, so the service node list stays as it is')
    }
    this.#failure = error.code
  }

  /** Finalized blocks of at least a quorum of providers. */
  async #readHeads(signal: AbortSignal): Promise<Heads> {
    const { providers, metrics } = this.#components
    const found = await readFinalizedHeads(providers, signal)
    if (this.#finalized === undefined || found.agreed.timestampS > this.#finalized.timestampS)
      this.#finalized = found.agreed
    metrics.finalizedBlock.set(Number(this.#finalized.number))
    return found
  }

  /** Fetches the newest epoch first: its list often holds for the one before too, whose state may be forgotten already. */
  async #advance({ heads, agreed }: Heads, signal: AbortSignal): Promise<boolean> {
    const { epochLengthS } = this.#options
    const newest = newestCertainEpoch(agreed.timestampS, epochLengthS)
    const indices = epochsToFetch(this.#kept?.current.index, newest)
    await this.#fetch(indices, heads, signal)
    return indices.length > 0
  }

  async #fetch(indices: readonly number[], heads: readonly Head[], signal: AbortSignal): Promise<void> {
    const fetched: MembershipEpoch[] = []
    for (const index of indices.toReversed()) {
      try {
        fetched.unshift(await this.#epochs.read(index, heads, signal))
      } catch (error) {
        const isOptional = fetched.length > 0 && error instanceof StakingError
        if (!isOptional) throw error
        this.#components.log.debug({ epoch: index, code: error.code }, 'An earlier epoch cannot be read any more')
      }
    }
    for (const epoch of fetched) await this.#enter(epoch)
  }

  /** After a correction, an epoch may be the current one or the one before it once more. */
  async #enter(epoch: MembershipEpoch): Promise<void> {
    const before = this.#kept?.current
    if (before !== undefined && epoch.index < before.index) {
      this.#kept = { current: before, previous: epoch }
      return await this.#keep(this.#kept)
    }
    this.#kept = { current: epoch, previous: before?.index === epoch.index ? this.#kept?.previous : before }
    this.#measure(epoch)
    if (before?.root !== epoch.root) {
      const facts = { epoch: epoch.index, block: Number(epoch.blockNumber), members: epoch.members.length }
      this.#components.log.info(facts, 'The service node list changed')
    }
    await this.#keep(this.#kept)
    for (const listener of this.#listeners) listener(epoch)
  }

  #measure(epoch: MembershipEpoch): void {
    this.#components.metrics.epochIndex.set(epoch.index)
    this.#components.metrics.members.set(epoch.members.length)
  }

  #headAgeMs(): number | undefined {
    if (this.#finalized === undefined) return undefined
    return Math.max(0, this.#components.clock.nowMs() - Number(this.#finalized.timestampS) * SECOND)
  }

  #isFrozen(): boolean {
    return (this.#headAgeMs() ?? 0) > this.#options.finalizedAgeMaxMs
  }

  get #scope() {
    const { chainId, contract, epochLengthS } = this.#options
    return { network: networkIdOf(chainId, contract), epochLengthS }
  }

  async #readKept(): Promise<KeptEpochs | undefined> {
    try {
      return await readEpochFile(epochFilePath(this.#options.stateFolder), this.#scope)
    } catch (error) {
      if (!(error instanceof StakingError)) throw error
      // The chain has it all; the file only helps while the chain cannot be reached.
      this.#components.log.warn({ code: error.code }, 'The kept service node list is damaged and is not used')
      return undefined
    }
  }

  async #keep(kept: KeptEpochs): Promise<void> {
    try {
      await writeEpochFile(epochFilePath(this.#options.stateFolder), this.#scope, kept)
    } catch (error) {
      this.#components.log.warn({ error }, 'The service node list could not be kept on disk')
    }
  }
}
