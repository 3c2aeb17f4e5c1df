import type { Logger } from '../../base/logger.ts'
import { agree, type Question } from '../agreement.ts'
import type { ChainBlock, Hex } from '../chain-reply.ts'
import { findEpochBlock } from '../epoch-block.ts'
import { boundaryS } from '../epochs.ts'
import { StakingError } from '../errors.ts'
import type { Head, Heads } from '../finalized-heads.ts'
import type { MemberId } from '../member-codec.ts'
import type { StakingOptions } from '../options.ts'
import type { ChainProviders } from '../providers.ts'
import { findDeployment, readPool } from './contract-facts.ts'
import type { Checkpoint } from './log-history.ts'
import { type LogPage, readLogPage } from './log-page.ts'
import type { RewardsMetrics } from './metrics.ts'
import { idsDigest, readContractIds } from './reconciliation.ts'

/** Where the ledger begins. */
export interface LedgerOrigin {
  readonly pool: Hex
  readonly firstBlock: bigint
}

/** What the ledger asks of the chain. Nothing counts before a quorum of providers says it. */
export interface LedgerSource {
  origin(heads: Heads, signal: AbortSignal): Promise<LedgerOrigin>
  page(heads: Heads, range: { from: bigint; to: bigint }, pool: Hex, signal: AbortSignal): Promise<LogPage>
  /** Undefined when the chain has no such block. */
  hashAt(heads: Heads, number: bigint, signal: AbortSignal): Promise<Hex | undefined>
  /** The last block of a period that has ended; undefined when the chain is younger than that. */
  lastBlockOf(heads: Heads, period: number, signal: AbortSignal): Promise<ChainBlock | undefined>
  /** The contract's own list in the state after a block. */
  memberIds(heads: Heads, block: Checkpoint, signal: AbortSignal): Promise<readonly MemberId[]>
}

export interface LedgerSourceComponents {
  readonly log: Logger
  readonly metrics: RewardsMetrics
  readonly providers: ChainProviders
}

export type LedgerSourceOptions = Pick<StakingOptions, 'contract' | 'membersMax' | 'requestsInFlightMax' | 'rewards'>

export function createLedgerSource(
  { log, metrics, providers }: LedgerSourceComponents,
  options: LedgerSourceOptions,
): LedgerSource {
  const { contract, membersMax, requestsInFlightMax } = options
  const { deployedBlock, periodS } = options.rewards

  /** Asks those that have the block `upTo` among their final ones. */
  const settle = async <Answer>(
    { heads }: Heads,
    upTo: bigint,
    question: Question<Head, Answer>,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const sources = heads.filter(({ block }) => block.number >= upTo)
    const ask = (head: Head, settled: AbortSignal) =>
      providers.use(head.provider, () => question.ask(head, settled), signal)
    try {
      const { answer, dissenters } = await agree(sources, providers.quorum, { ...question, ask })
      if (dissenters.length > 0) metrics.disagreements.inc()
      for (const { provider } of dissenters) {
        log.warn({ provider: provider.host }, 'An RPC provider contradicts the others about logs of the contract')
        providers.reportDissent(provider)
      }
      return answer
    } catch (error) {
      if (error instanceof StakingError && error.code === 'PROVIDERS_DISAGREE') metrics.disagreements.inc()
      throw error
    }
  }

  return {
    origin(heads, signal) {
      const ask = async ({ provider, block }: Head): Promise<LedgerOrigin> => ({
        pool: await readPool(provider, contract, block, signal),
        firstBlock: deployedBlock > 0 ? BigInt(deployedBlock) : await findDeployment(provider, contract, block, signal),
      })
      const digestOf = ({ pool, firstBlock }: LedgerOrigin) => `${pool} ${firstBlock}`
      return settle(heads, 0n, { about: 'the deployment of the contract', ask, digestOf }, signal)
    },
    page(heads, range, pool, signal) {
      const pageOptions = { sources: { contract, pool }, periodS, requestsInFlightMax }
      const ask = ({ provider }: Head) => readLogPage(provider, range, pageOptions, signal)
      return settle(heads, range.to, { about: 'logs', ask, digestOf: ({ digest }) => digest }, signal)
    },
    hashAt(heads, number, signal) {
      const ask = async ({ provider }: Head) => (await provider.block(number, signal))?.hash
      return settle(heads, 0n, { about: 'a block', ask, digestOf: (hash) => hash ?? '' }, signal)
    },
    lastBlockOf(heads, period, signal) {
      const boundary = boundaryS(period, periodS)
      const ask = ({ provider, block }: Head) =>
        findEpochBlock(provider, boundary, { head: block }, signal).catch(unknownAsUndefined)
      const having = { ...heads, heads: heads.heads.filter(({ block }) => block.timestampS > boundary) }
      const digestOf = (block: ChainBlock | undefined) => `${block?.number} ${block?.hash}`
      return settle(having, 0n, { about: 'the end of a period', ask, digestOf }, signal)
    },
    memberIds(heads, block, signal) {
      const ask = ({ provider }: Head) => readContractIds(provider, block, { contract, membersMax }, signal)
      return settle(heads, block.number, { about: 'the list of members', ask, digestOf: idsDigest }, signal)
    },
  }
}

function unknownAsUndefined(error: unknown): undefined {
  if (!(error instanceof StakingError) || error.code !== 'EPOCH_UNKNOWN') throw error
}
