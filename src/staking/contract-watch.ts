import { join } from 'node:path'
import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { type NetworkId, networkIdOf } from '../protocol/network-id.ts'
import { agree } from './agreement.ts'
import type { ChainLog, Hex } from './chain-reply.ts'
import {
  type ContractState,
  changedParameters,
  contractStateDigest,
  readContractState,
  WATCHED_TOPICS,
  watchedEventOf,
} from './contract-state.ts'
import { StakingError } from './errors.ts'
import type { Head, Heads } from './finalized-heads.ts'
import type { StakingMetrics } from './metrics.ts'
import type { StakingOptions } from './options.ts'
import { objectField, textField } from './state-fields.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

export interface ContractStatus extends ContractState {
  /** Keccak-256 of the code that is accepted. */
  readonly acceptedCode: Hex
  readonly isAccepted: boolean
  /** When the contract was last read as a whole. */
  readonly readAtMs: TimestampMs
}

/**
 * Watches what the contract's owner does to its code and its rules, in final blocks and by the word of enough providers. It judges nothing:
 * the list is the contract's whatever code that has, but an operator should know that the code is not what was looked at before.
 */
export interface ContractWatch {
  /** Looks for changes since the last look. True when the code is another one than before. */
  look(heads: Heads, signal: AbortSignal): Promise<boolean>
  /** Undefined until the contract has been read. */
  status(): ContractStatus | undefined
}

export interface ContractWatchComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Pick<StakingMetrics, 'codeAccepted' | 'contractEvents'>
  readonly quorum: number
}

export type ContractWatchOptions = Pick<
  StakingOptions,
  | 'chainId'
  | 'contract'
  | 'requestsInFlightMax'
  | 'logPageBlocks'
  | 'logPagesMax'
  | 'contractCheckIntervalMs'
  | 'acceptedCode'
  | 'hedgeAfterMs'
  | 'stateFolder'
>

const STATE_FILE_MAX_BYTES = 4096

export async function createContractWatch(
  components: ContractWatchComponents,
  options: ContractWatchOptions,
): Promise<ContractWatch> {
  // Nothing is wrong as long as nothing is known.
  components.metrics.codeAccepted.set(1)
  const watch = new Watch(components, options)
  await watch.restore()
  return watch
}

class Watch implements ContractWatch {
  readonly #components: ContractWatchComponents
  readonly #options: ContractWatchOptions
  #state: ContractState | undefined
  #readAtMs: TimestampMs = 0
  /** The same moment, for the pause until the next reading. */
  #lookedAtMs: DurationMs = 0
  /** The last block whose events were seen. */
  #watchedTo: bigint | undefined
  #acceptedCode: Hex | undefined
  /** The code that the log has told of. */
  #toldCode: Hex | undefined

  constructor(components: ContractWatchComponents, options: ContractWatchOptions) {
    this.#components = components
    this.#options = options
    this.#acceptedCode = options.acceptedCode?.toLowerCase() as Hex | undefined
  }

  async look(heads: Heads, signal: AbortSignal): Promise<boolean> {
    const isDue = this.#components.clock.monotonicMs() - this.#lookedAtMs >= this.#options.contractCheckIntervalMs
    const to = heads.agreed.number
    if (this.#state !== undefined && !isDue && !(await this.#hasEvents(heads, to, signal))) {
      this.#watched(to)
      return false
    }
    const ask = ({ provider }: Head, settled: AbortSignal) =>
      readContractState(provider, to, this.#options, AbortSignal.any([signal, settled]))
    const state = await this.#agree(heads, { about: 'the state of the contract', ask, digestOf: contractStateDigest })
    const before = this.#state
    this.#state = state
    this.#readAtMs = this.#components.clock.nowMs()
    this.#lookedAtMs = this.#components.clock.monotonicMs()
    this.#watched(to)
    await this.#accept(state)
    this.#tell(before, state)
    return before !== undefined && before.code !== state.code
  }

  status(): ContractStatus | undefined {
    if (this.#state === undefined || this.#acceptedCode === undefined) return undefined
    const isAccepted = this.#state.code === this.#acceptedCode
    return { ...this.#state, acceptedCode: this.#acceptedCode, isAccepted, readAtMs: this.#readAtMs }
  }

  /** The code that was accepted before, unless the configuration names one. */
  async restore(): Promise<void> {
    if (this.#acceptedCode !== undefined) return
    try {
      const kept = await readStateFile(this.#file, STATE_FILE_MAX_BYTES)
      if (kept === undefined) return
      const fields = objectField(kept)
      if (fields['network'] !== this.#network) return
      this.#acceptedCode = textField(fields['acceptedCode'], /^0x[0-9a-f]{64}$/) as Hex
    } catch (error) {
      if (!(error instanceof StakingError)) throw error
      this.#components.log.warn(
        { code: error.code },
        "The kept state of the contract's code is damaged and is not used",
      )
    }
  }

  /** Providers that come and go may move the agreed head back: what was told once is not told again. */
  #watched(to: bigint): void {
    if (this.#watchedTo === undefined || to > this.#watchedTo) this.#watchedTo = to
  }

  /** Whether there was an event since the last look; also when nobody tells. */
  async #hasEvents(heads: Heads, to: bigint, signal: AbortSignal): Promise<boolean> {
    const from = (this.#watchedTo ?? to) + 1n
    const page = BigInt(this.#options.logPageBlocks)
    if (to - from + 1n > page * BigInt(this.#options.logPagesMax)) return true
    let found = false
    for (let start = from; start <= to; start += page) {
      const end = start + page - 1n < to ? start + page - 1n : to
      const filter = { addresses: [this.#options.contract], topics: WATCHED_TOPICS, from: start, to: end }
      const ask = ({ provider }: Head, settled: AbortSignal) =>
        provider.logs(filter, AbortSignal.any([signal, settled]))
      const logs = await this.#agree(heads, { about: 'events of the contract', ask, digestOf: logsDigest }).catch(
        refused,
      )
      if (logs === undefined) return true
      for (const log of logs) this.#tellEvent(log)
      found ||= logs.length > 0
    }
    return found
  }

  /** Not through the providers' accounts: who does not know a method, or gives no logs, serves for the members all the same. */
  async #agree<Answer>(
    { heads, agreed }: Heads,
    question: {
      about: string
      ask: (head: Head, settled: AbortSignal) => Promise<Answer>
      digestOf: (answer: Answer) => string
    },
  ): Promise<Answer> {
    const sources = heads.filter(({ block }) => block.number >= agreed.number)
    const { hedgeAfterMs } = this.#options
    const { answer } = await agree(sources, this.#components.quorum, { ...question, hedgeAfterMs })
    return answer
  }

  #tellEvent({ topics, blockNumber }: ChainLog): void {
    const event = watchedEventOf(topics[0])
    if (event === undefined) return
    this.#components.metrics.contractEvents.inc({ event })
    this.#components.log.warn({ event, block: Number(blockNumber) }, "The staking contract's owner changed it")
  }

  async #accept({ code }: ContractState): Promise<void> {
    const { log } = this.#components
    this.#acceptedCode ??= code
    if (code !== this.#acceptedCode) return
    try {
      const kept = await readStateFile(this.#file, STATE_FILE_MAX_BYTES).catch(() => undefined)
      const state = { network: this.#network, acceptedCode: code }
      if (JSON.stringify(kept) !== JSON.stringify(state)) await writeStateFile(this.#file, state)
    } catch (error) {
      log.warn({ error }, 'The accepted code of the contract could not be kept on disk')
    }
  }

  #tell(before: ContractState | undefined, after: ContractState): void {
    const { log, metrics } = this.#components
    for (const { name, from, to } of before === undefined ? [] : changedParameters(before, after)) {
      log.warn({ parameter: name, from, to }, 'A parameter of the staking contract changed')
    }
    const isAccepted = after.code === this.#acceptedCode
    metrics.codeAccepted.set(isAccepted ? 1 : 0)
    if (isAccepted || this.#toldCode === after.code) return
    this.#toldCode = after.code
    const facts = {
      ...{ implementation: after.implementation, before: before?.implementation ?? 'unknown' },
      ...{ contractCode: after.code, acceptedCode: this.#acceptedCode },
    }
    log.warn(facts, 'The staking contract runs other code than the accepted one')
  }

  get #network(): NetworkId {
    return networkIdOf(this.#options.chainId, this.#options.contract)
  }

  get #file(): string {
    return join(this.#options.stateFolder, 'contract.json')
  }
}

function logsDigest(logs: readonly ChainLog[]): string {
  return JSON.stringify(logs.map((log) => [log.blockHash, log.logIndex.toString(), log.topics, log.data]))
}

/** No logs of such a range, or none that enough providers agree on: then the state itself is read. */
function refused(error: unknown): undefined {
  if (!(error instanceof StakingError)) throw error
}
