import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeFunctionResult, encodeFunctionData } from 'viem'
import { type Clock, type DurationMs, MINUTE, SECOND, type TimestampMs } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import { isJsonObject } from '../protocol/json.ts'
import { serviceNodeRewardsAbi } from './abi.ts'
import type { ChainProvider } from './chain-provider.ts'
import { type Hex, malformed } from './chain-reply.ts'
import { isProviderFault, StakingError } from './errors.ts'
import { OWN_STAKE_LABELS, type StakingMetrics } from './metrics.ts'
import type { StakingOptions } from './options.ts'
import { isOurs, type NodeKeys, readOwnRegistration } from './own-registration.ts'
import { type OwnStakeState, stateOf, unreachableState } from './own-stake-state.ts'
import type { ChainProviders } from './providers.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

/** Watches this service node's own entry in the contract, and tells the operator what it waits for. */
export interface OwnStake extends AsyncDisposable {
  state(): OwnStakeState
  /** Calls the listener when the kind of state, or a date in it, changes. Returns what ends that. */
  onChange(listener: (state: OwnStakeState) => void): () => void
  /** Looks at the chain now, or joins the look under way. */
  refresh(): Promise<void>
}

export interface OwnStakeComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Pick<StakingMetrics, 'ownStake'>
  readonly providers: ChainProviders
}

export type OwnStakeOptions = NodeKeys &
  Pick<StakingOptions, 'contract' | 'ownStakeIntervalMs' | 'passTimeoutMs' | 'unlockAfterMs'> & {
    /** Where the last id is remembered, to tell "gone" from "never registered" after a restart. None: only in memory. */
    readonly stateFolder?: string | undefined
  }

/** A node that waits says so again this often. */
const REMINDER_MS: DurationMs = 10 * MINUTE
const STATE_FILE_MAX_BYTES = 4096

/** Returns after the first look at the chain, whether it succeeded or not. */
export async function createOwnStake(components: OwnStakeComponents, options: OwnStakeOptions): Promise<OwnStake> {
  if (options.stateFolder !== undefined) await mkdir(options.stateFolder, { recursive: true, mode: 0o700 })
  const stake = new OwnStakeWatch(components, options)
  await stake.start()
  return stake
}

class OwnStakeWatch implements OwnStake {
  readonly #components: OwnStakeComponents
  readonly #options: OwnStakeOptions
  readonly #listeners = new Set<(state: OwnStakeState) => void>()
  readonly #periodic
  #state: OwnStakeState = unreachableState('PROVIDERS_UNAVAILABLE', undefined)
  #lastId: bigint | undefined
  #saidAtMs: TimestampMs | undefined

  constructor(components: OwnStakeComponents, options: OwnStakeOptions) {
    this.#components = components
    this.#options = options
    const settings = { intervalMs: options.ownStakeIntervalMs, sentence: "The look at this node's stake failed" }
    this.#periodic = createPeriodic(components, settings, (signal) => this.#look(signal))
  }

  async start(): Promise<void> {
    this.#lastId = await this.#readLastId()
    await this.#periodic.runNow()
  }

  state(): OwnStakeState {
    return this.#state
  }

  onChange(listener: (state: OwnStakeState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  refresh(): Promise<void> {
    return this.#periodic.runNow()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#periodic[Symbol.asyncDispose]()
  }

  async #look(parent: AbortSignal): Promise<void> {
    try {
      const view = { ...this.#options, lastId: this.#lastId }
      await this.#enter(await readOwnStake(this.#components.providers, view, withDeadline(view.passTimeoutMs, parent)))
    } catch (error) {
      if (parent.aborted) return
      if (!(error instanceof StakingError)) throw error
      const lastKnown = this.#state.kind === 'chain-unreachable' ? this.#state.lastKnown : this.#state
      await this.#enter(unreachableState(error.code, lastKnown))
    }
  }

  async #enter(state: OwnStakeState): Promise<void> {
    const isNews = state.sentence !== this.#state.sentence || this.#saidAtMs === undefined
    this.#state = state
    for (const label of OWN_STAKE_LABELS) {
      this.#components.metrics.ownStake.set(label === state.kind ? 1 : 0, { state: label })
    }
    this.#say(state, isNews)
    if (!isNews) return
    if ('member' in state && state.member.id !== this.#lastId) await this.#rememberId(state.member.id)
    for (const listener of this.#listeners) listener(state)
  }

  #say(state: OwnStakeState, isNews: boolean): void {
    const { clock, log } = this.#components
    const nowMs = clock.monotonicMs()
    const isFine = state.kind === 'active'
    const isDue = isNews || (!isFine && nowMs - (this.#saidAtMs ?? 0) >= REMINDER_MS)
    if (!isDue) return
    this.#saidAtMs = nowMs
    const facts = { state: state.kind, sentence: state.sentence, nextCommand: state.nextCommand }
    if (isFine) log.info(facts, 'The stake of this service node')
    else log.warn(facts, 'The stake of this service node')
  }

  get #stateFile(): string | undefined {
    const { stateFolder } = this.#options
    return stateFolder === undefined ? undefined : join(stateFolder, 'own-stake.json')
  }

  async #readLastId(): Promise<bigint | undefined> {
    if (this.#stateFile === undefined) return undefined
    try {
      const kept = await readStateFile(this.#stateFile, STATE_FILE_MAX_BYTES)
      const { key, contract } = this.#options
      if (!isJsonObject(kept) || kept['key'] !== key || kept['contract'] !== contract.toLowerCase()) return undefined
      const id = kept['id']
      return typeof id === 'string' && /^\d{1,20}$/.test(id) ? BigInt(id) : undefined
    } catch (error) {
      this.#components.log.warn({ error }, "The kept state of this node's stake is not used")
      return undefined
    }
  }

  async #rememberId(id: bigint): Promise<void> {
    this.#lastId = id
    if (this.#stateFile === undefined) return
    const { key, contract } = this.#options
    try {
      await writeStateFile(this.#stateFile, { key, contract: contract.toLowerCase(), id: id.toString() })
    } catch (error) {
      this.#components.log.warn({ error }, "The state of this node's stake could not be kept on disk")
    }
  }
}

/**
 * Where a service node stands, from one provider; a loss or a mismatch only when no second one contradicts it.
 * @throws {StakingError} PROVIDERS_UNAVAILABLE
 */
export async function readOwnStake(
  providers: ChainProviders,
  view: NodeKeys & Pick<StakingOptions, 'contract' | 'unlockAfterMs'> & { readonly lastId: bigint | undefined },
  signal: AbortSignal,
): Promise<OwnStakeState> {
  let doubtful: OwnStakeState | undefined
  let asked = 0
  let failure: unknown
  for (const provider of providers.available()) {
    if (asked >= providers.quorum) break
    try {
      const state = await providers.use(provider, () => readFrom(provider, view, signal), signal)
      if ('member' in state || view.lastId === undefined) return state
      doubtful ??= state
      asked++
    } catch (error) {
      if (!isProviderFault(error)) throw error
      failure = error
    }
  }
  if (doubtful !== undefined) return doubtful
  const message = 'No RPC provider can be used'
  throw failure instanceof StakingError ? failure : new StakingError('PROVIDERS_UNAVAILABLE', message)
}

async function readFrom(
  provider: ChainProvider,
  view: Parameters<typeof readOwnStake>[1],
  signal: AbortSignal,
): Promise<OwnStakeState> {
  const { contract } = view
  const [latest, finalized] = await Promise.all([provider.block('latest', signal), provider.block('finalized', signal)])
  if (latest === undefined || finalized === undefined) throw malformed('no newest block')
  const keys = { key: view.key, bls: view.bls }
  const inFinalized = await readOwnRegistration(provider, contract, keys, finalized, signal)
  const inLatest = isOurs(inFinalized, keys)
    ? inFinalized
    : await readOwnRegistration(provider, contract, keys, latest, signal)
  const wait = await provider.call({ to: contract, data: EXIT_WAIT_CALL }, latest.number, signal)
  return stateOf({
    keys,
    latest: inLatest,
    finalized: inFinalized,
    lastId: view.lastId,
    unlockAfterMs: view.unlockAfterMs,
    exitUnsignedAfterMs: Number(decodeExitWait(wait)) * SECOND,
  })
}

const EXIT_WAIT_CALL: Hex = encodeFunctionData({
  abi: serviceNodeRewardsAbi,
  functionName: 'MAX_SERVICE_NODE_EXIT_WAIT_TIME',
})

function decodeExitWait(data: Hex): bigint {
  try {
    const functionName = 'MAX_SERVICE_NODE_EXIT_WAIT_TIME'
    return decodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName, data })
  } catch {
    throw malformed('the exit wait time')
  }
}
