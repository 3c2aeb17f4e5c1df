import { mkdir } from 'node:fs/promises'
import type { Clock, DurationMs, TimestampMs } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import type { Logger } from '../../base/logger.ts'
import { createPeriodic } from '../../base/periodic.ts'
import { networkIdOf } from '../../protocol/network-id.ts'
import type { RecordedRewards } from '../../protocol/peer-api/node-record.ts'
import type { Hex } from '../chain-reply.ts'
import { newestCertainEpoch } from '../epochs.ts'
import { StakingError, type StakingErrorCode } from '../errors.ts'
import { type Heads, readFinalizedHeads } from '../finalized-heads.ts'
import type { AgreedHead } from '../head-judgement.ts'
import type { StakingOptions } from '../options.ts'
import type { ChainProviders } from '../providers.ts'
import {
  type KeptLedger,
  type LedgerFileScope,
  ledgerFilePath,
  readLedgerFile,
  writeLedgerFile,
} from './ledger-file.ts'
import { createLedgerSource, type LedgerOrigin, type LedgerSource } from './ledger-source.ts'
import type { LedgerRules } from './ledger-state.ts'
import { type Checkpoint, LogHistory } from './log-history.ts'
import { ZERO_HASH } from './log-page.ts'
import { REWARDS_DISSENTS, type RewardsMetrics } from './metrics.ts'
import { ledgerRules } from './options.ts'
import { RebuildRule } from './rebuild-rule.ts'
import { idsDigest } from './reconciliation.ts'
import { isOutvoted, RecordedRoots } from './recorded-roots.ts'
import {
  type RewardsDissent,
  type RewardsLedger,
  type RewardsSnapshot,
  type RewardsStatus,
  type RewardsTotal,
  rewardsRoot,
} from './snapshot.ts'

export interface RewardsLedgerComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: RewardsMetrics
  readonly providers: ChainProviders
  /** What other nodes say in their fresh records. */
  readonly others: () => readonly RecordedRewards[]
}

export type RewardsLedgerOptions = Pick<
  StakingOptions,
  'chainId' | 'contract' | 'logPageBlocks' | 'membersMax' | 'requestsInFlightMax' | 'stateFolder' | 'rewards'
>

/**
 * Keeps the ledger of rewards up to date. Returns with what was kept on disk, before it looks at the chain: reading years of logs
 * takes hours.
 * @throws {StakingError} STAKING_OPTIONS_INVALID
 */
export async function createRewardsLedger(
  components: RewardsLedgerComponents,
  options: RewardsLedgerOptions,
): Promise<RewardsLedger> {
  const rules = ledgerRules(options.rewards, options)
  await mkdir(options.stateFolder, { recursive: true, mode: 0o700 })
  const ledger = new Ledger(components, options, rules)
  await ledger.start()
  return ledger
}

class Ledger implements RewardsLedger {
  readonly #components: RewardsLedgerComponents
  readonly #options: RewardsLedgerOptions
  readonly #rules: LedgerRules
  readonly #source: LedgerSource
  readonly #rebuild: RebuildRule
  readonly #periodic
  readonly #listeners = new Set<(snapshot: RewardsSnapshot) => void>()
  #roots = new RecordedRoots()
  #origin: LedgerOrigin | undefined
  #history: LogHistory | undefined
  #current: RewardsSnapshot | undefined
  #previous: RewardsSnapshot | undefined
  #finalized: AgreedHead | undefined
  #contradictsContract = false
  #reconciledAtMs: TimestampMs | undefined
  /** The same moment, for the pause until the next time. */
  #comparedAtMs: DurationMs = 0
  #failure: StakingErrorCode | undefined
  /** What the file on disk holds. */
  #keptState: string | undefined

  constructor(components: RewardsLedgerComponents, options: RewardsLedgerOptions, rules: LedgerRules) {
    this.#components = components
    this.#options = options
    this.#rules = rules
    this.#source = createLedgerSource(components, options)
    this.#rebuild = new RebuildRule(options.rewards)
    const { intervalMs } = options.rewards
    const sentence = 'The look at the logs of the contract failed'
    this.#periodic = createPeriodic({ log: components.log }, { intervalMs, sentence }, (signal) => this.#look(signal))
  }

  async start(): Promise<void> {
    await this.#restore()
    // What can fail there is said by the look itself.
    this.#periodic.runNow().catch(() => {})
  }

  current(): RewardsSnapshot | undefined {
    return this.#current
  }

  previous(): RewardsSnapshot | undefined {
    return this.#previous
  }

  total(address: string): RewardsTotal | undefined {
    if (this.#current === undefined) return undefined
    const { index, blockNumber, root, totals } = this.#current
    return { index, blockNumber, root, totalAtomic: totals.get(address.toLowerCase() as Hex) ?? 0n }
  }

  disagrees(): boolean {
    return this.#dissent() !== undefined
  }

  onSnapshot(listener: (snapshot: RewardsSnapshot) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  refresh(): Promise<void> {
    return this.#periodic.runNow()
  }

  status(): RewardsStatus {
    const current = this.#current
    const end = this.#history?.end
    return {
      index: current?.index,
      root: current?.root,
      snapshotBlock: current === undefined ? undefined : Number(current.blockNumber),
      block: end === undefined ? undefined : Number(end.number),
      finalizedBlock: this.#finalized === undefined ? undefined : Number(this.#finalized.number),
      members: this.#history?.ledger.memberCount,
      dissent: this.#dissent(),
      reconciledAtMs: this.#reconciledAtMs,
      lastError: this.#failure,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#periodic[Symbol.asyncDispose]()
  }

  /** One look at the chain. What was read before a failure is kept; what fails leaves the ledger as it is. */
  async #look(parent: AbortSignal): Promise<void> {
    const signal = withDeadline(this.#options.rewards.passTimeoutMs, parent)
    try {
      await this.#advance(signal)
      if (this.#failure !== undefined) this.#components.log.info({}, 'The logs of the contract can be read again')
      this.#failure = undefined
    } catch (error) {
      if (parent.aborted) return
      if (!(error instanceof StakingError)) throw error
      if (this.#failure !== error.code)
        this.#components.log.warn({ code: error.code }, 'The rewards ledger stays as it is')
      this.#failure = error.code
    } finally {
      if (!parent.aborted) this.#rebuildIfDue()
      this.#measure()
      await this.#keep()
    }
  }

  async #advance(signal: AbortSignal): Promise<void> {
    const heads = await readFinalizedHeads(this.#components.providers, signal)
    this.#finalized = heads.agreed
    const history = await this.#begun(heads, signal)
    const isOnChain = await this.#readPages(history, heads, signal)
    // Providers that have fallen back, or logs that are still to come: the next look goes on.
    if (!isOnChain || history.end.number !== heads.agreed.number) return
    const index = newestCertainEpoch(history.end.timestampS, this.#options.rewards.periodS)
    const isNew = index >= 0 && index > (this.#current?.index ?? -1)
    // First, so that there is no snapshot of members that nobody has compared.
    if (isNew || this.#isReconciliationDue()) await this.#reconcile(history, heads, signal)
    if (isNew) await this.#snapshot(index, history, heads, signal)
  }

  /** The history, from its very beginning if there is none. */
  async #begun(heads: Heads, signal: AbortSignal): Promise<LogHistory> {
    if (this.#history !== undefined) return this.#history
    const origin = await this.#source.origin(heads, signal)
    this.#components.log.info({ block: Number(origin.firstBlock) }, 'The rewards ledger begins with the contract')
    this.#origin = origin
    this.#history = LogHistory.startingAt(this.#rules, origin.firstBlock)
    return this.#history
  }

  /** Reads on to the head, within the budget. False when what was read before is not the chain's any more. */
  async #readPages(history: LogHistory, heads: Heads, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#components
    const { pagesPerPassMax, passTimeoutMs } = this.#options.rewards
    const endAtMs = clock.monotonicMs() + passTimeoutMs / 2
    const head = heads.agreed.number
    // A page shows that it follows the one before. Without a page to read, the last one is looked at by itself.
    if (history.end.number === head && !(await this.#isOnChain(history.end, heads, signal))) {
      await this.#rewind(history, heads, signal)
      return false
    }
    for (let pages = 0; pages < pagesPerPassMax && history.end.number < head; pages++) {
      if (clock.monotonicMs() > endAtMs) return true
      const from = history.end.number + 1n
      const last = from + BigInt(this.#options.logPageBlocks) - 1n
      const page = await this.#source.page(heads, { from, to: last < head ? last : head }, this.#poolOf(), signal)
      if (history.end.hash !== ZERO_HASH && page.previousHash !== history.end.hash) {
        await this.#rewind(history, heads, signal)
        return false
      }
      history.append(page)
    }
    return true
  }

  async #isOnChain({ number, hash }: Checkpoint, heads: Heads, signal: AbortSignal): Promise<boolean> {
    if (hash === ZERO_HASH) return true
    return number <= heads.agreed.number && (await this.#source.hashAt(heads, number, signal)) === hash
  }

  #poolOf(): Hex {
    if (this.#origin === undefined) throw new RangeError('A ledger that has begun has an origin')
    return this.#origin.pool
  }

  /** Goes back to the newest page that is still the chain's; to nothing when there is none. */
  async #rewind(history: LogHistory, heads: Heads, signal: AbortSignal): Promise<void> {
    this.#components.metrics.rewinds.inc()
    const from = Number(history.end.number)
    for (const checkpoint of history.checkpoints()) {
      if (!(await this.#isOnChain(checkpoint, heads, signal))) continue
      const to = Number(checkpoint.number)
      this.#components.log.error({ from, to }, 'Final blocks changed, so their logs are taken back')
      history.rewindTo(checkpoint)
      this.#doubt(checkpoint.number)
      return
    }
    this.#components.log.error({ from }, 'Final blocks changed so far back that the rewards ledger begins anew')
    this.#beginAnew()
  }

  #beginAnew(): void {
    this.#history = undefined
    this.#origin = undefined
    this.#doubt(-1n)
  }

  #rebuildIfDue(): void {
    const { clock, log, metrics } = this.#components
    const isSound = !this.#contradictsContract && this.#failure !== 'LOGS_INCONSISTENT'
    if (!this.#rebuild.isDue(isSound, clock.monotonicMs())) return
    log.error({}, 'The logs have contradicted the contract, or one another, for too long: all of them are read again')
    metrics.rebuilds.inc()
    // Until they have been read there is no snapshot, and before that the members are compared.
    this.#contradictsContract = false
    this.#beginAnew()
  }

  /** Drops what was computed from blocks after `block`. */
  #doubt(block: bigint): void {
    this.#reconciledAtMs = undefined
    this.#roots.clear()
    this.#previous = undefined
    if (this.#current !== undefined && this.#current.blockNumber > block) this.#current = undefined
    else if (this.#current !== undefined) this.#roots.add(this.#current.index, this.#current.root)
  }

  async #snapshot(index: number, history: LogHistory, heads: Heads, signal: AbortSignal): Promise<void> {
    const block = await this.#source.lastBlockOf(heads, index, signal)
    if (block === undefined) return
    history.ledger.closeThrough(index)
    const totals = history.ledger.totals()
    const root = rewardsRoot(totals)
    const snapshot = { index, blockNumber: block.number, blockHash: block.hash, totals, root }
    this.#previous = this.#current
    this.#current = snapshot
    this.#roots.add(index, root)
    this.#components.log.debug({ period: index, block: Number(block.number) }, 'A period of rewards has ended')
    for (const listener of this.#listeners) listener(snapshot)
  }

  #isReconciliationDue(): boolean {
    const { reconcileIntervalMs } = this.#options.rewards
    return (
      this.#reconciledAtMs === undefined ||
      this.#components.clock.monotonicMs() - this.#comparedAtMs >= reconcileIntervalMs
    )
  }

  /** Compares the members with the contract's own list: logs that all providers lack would not show otherwise. */
  async #reconcile(history: LogHistory, heads: Heads, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#components
    const ids = await this.#source.memberIds(heads, history.end, signal)
    const wasContradicting = this.#contradictsContract
    this.#contradictsContract = idsDigest(ids) !== idsDigest(history.ledger.members())
    if (!this.#contradictsContract) {
      this.#reconciledAtMs = clock.nowMs()
      this.#comparedAtMs = clock.monotonicMs()
      if (wasContradicting) log.info({}, "The rewards ledger has the contract's members again")
    } else if (!wasContradicting) {
      const facts = { contract: ids.length, ledger: history.ledger.memberCount }
      log.error(facts, "The logs do not give the contract's members: no rewards are signed")
    }
  }

  #dissent(): RewardsDissent | undefined {
    if (this.#contradictsContract) return 'contract'
    return isOutvoted(this.#roots.compare(this.#components.others())) ? 'records' : undefined
  }

  #measure(): void {
    const { metrics } = this.#components
    const { index, block, finalizedBlock, dissent } = this.status()
    if (index !== undefined) metrics.period.set(index)
    if (block !== undefined) metrics.block.set(Math.max(0, block))
    if (block !== undefined && finalizedBlock !== undefined)
      metrics.missingBlocks.set(Math.max(0, finalizedBlock - block))
    for (const kind of REWARDS_DISSENTS) metrics.dissent.set(dissent === kind ? 1 : 0, { with: kind })
  }

  get #scope(): LedgerFileScope {
    const { chainId, contract, rewards } = this.#options
    const { periodS, ageMinS, liquidationLockS } = rewards
    return { network: networkIdOf(chainId, contract), periodS, ageMinS, liquidationLockS }
  }

  async #restore(): Promise<void> {
    try {
      const kept = await readLedgerFile(ledgerFilePath(this.#options.stateFolder), this.#scope)
      if (kept !== undefined) this.#resume(kept)
    } catch (error) {
      if (!(error instanceof StakingError)) throw error
      this.#components.log.warn(
        { code: error.code },
        'The kept rewards ledger cannot be used, so all logs are read again',
      )
    }
  }

  #resume({ pool, firstBlock, history, snapshot, roots }: KeptLedger): void {
    this.#history = new LogHistory(this.#rules, history)
    this.#origin = { pool, firstBlock }
    if (snapshot === undefined) return
    const { ledger } = this.#history
    ledger.closeThrough(snapshot.index)
    const totals = ledger.totals()
    // Logs of the next period have been read already: the look that follows makes its snapshot.
    if (rewardsRoot(totals) !== snapshot.root) return
    const { index, block, root } = snapshot
    this.#current = { index, blockNumber: block.number, blockHash: block.hash, totals, root }
    this.#roots = new RecordedRoots(roots)
  }

  async #keep(): Promise<void> {
    if (this.#origin === undefined || this.#history === undefined) return
    const current = this.#current
    const state = `${this.#history.end.hash} ${current?.root} ${current?.index} ${this.#contradictsContract}`
    if (state === this.#keptState) return
    const kept: KeptLedger = {
      ...this.#origin,
      history: this.#history.content(),
      // After a restart nothing is signed by a ledger that was in doubt, before the members have been compared again.
      snapshot:
        current === undefined || this.#contradictsContract
          ? undefined
          : {
              index: current.index,
              block: { number: current.blockNumber, hash: current.blockHash },
              root: current.root,
            },
      roots: this.#roots.entries(),
    }
    try {
      await writeLedgerFile(ledgerFilePath(this.#options.stateFolder), this.#scope, kept)
      this.#keptState = state
    } catch (error) {
      this.#components.log.warn({ error }, 'The rewards ledger could not be kept on disk')
    }
  }
}
