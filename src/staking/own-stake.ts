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
import { explained, type OwnStakeState, stateOf, unreachableState } from './own-stake-state.ts'
import type { ChainProviders } from './providers.ts'
import { defaultSignatureOptions } from './signatures/options.ts'
import { createRegistrationLookup, type RegistrationLookup } from './signatures/registration-lookup.ts'
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
const STATE_FILE = 'own-stake.json'
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
  readonly #registrations: RegistrationLookup
  #state: OwnStakeState = unreachableState('PROVIDERS_UNAVAILABLE', undefined)
  #lastId: bigint | undefined
  #saidAtMs: TimestampMs | undefined

  constructor(components: OwnStakeComponents, options: OwnStakeOptions) {
    this.#components = components
    this.#options = options
    this.#registrations = createRegistrationLookup(components, { ...defaultSignatureOptions, ...options })
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
      const state = await readOwnStake(this.#components.providers, view, withDeadline(view.passTimeoutMs, parent))
      await this.#enter(await explainMismatch(state, this.#registrations))
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

  async #readLastId(): Promise<bigint | undefined> {
    const { stateFolder } = this.#options
    try {
      return stateFolder === undefined ? undefined : await readLastId(stateFolder, this.#options)
    } catch (error) {
      this.#components.log.warn({ error }, "The kept state of this node's stake is not used")
      return undefined
    }
  }

  async #rememberId(id: bigint): Promise<void> {
    this.#lastId = id
    const { stateFolder, key, contract } = this.#options
    if (stateFolder === undefined) return
    try {
      await writeStateFile(join(stateFolder, STATE_FILE), { key, contract: contract.toLowerCase(), id: id.toString() })
    } catch (error) {
      this.#components.log.warn({ error }, "The state of this node's stake could not be kept on disk")
    }
  }
}

/**
 * The id that a node with this state folder had when it was last seen in the contract.
 * @throws {StakingError} when the file is damaged
 */
export async function readLastId(
  stateFolder: string,
  { key, contract }: Pick<OwnStakeOptions, 'key' | 'contract'>,
): Promise<bigint | undefined> {
  const kept = await readStateFile(join(stateFolder, STATE_FILE), STATE_FILE_MAX_BYTES)
  if (!isJsonObject(kept) || kept['key'] !== key || kept['contract'] !== contract.toLowerCase()) return undefined
  const id = kept['id']
  return typeof id === 'string' && /^\d{1,20}$/.test(id) ? BigInt(id) : undefined
}

/** Whose doing it is that our Ed25519 key is registered with another BLS key: the registration's event has our signature, or has not. */
export async function explainMismatch(state: OwnStakeState, registrations: RegistrationLookup): Promise<OwnStakeState> {
  if (state.kind !== 'key-mismatch') return state
  const { holder, idOfBls } = state.mismatch
  if (holder === undefined || idOfBls !== undefined) return state
  return explained({ ...state.mismatch, registration: await registrations.find(holder) })
}

/**
 * Where a service node stands, from one provider; a loss or a mismatch only when no second one contradicts it.
 * @throws {StakingError} PROVIDERS_UNAVAILABLE
 */
export async function readOwnStake(
  providers: ChainProviders,
  view: NodeKeys &
    Pick<StakingOptions, 'contract' | 'unlockAfterMs'> & {
      readonly lastId: bigint | undefined
      /** Whether to tell what is not final yet of a member, too: that takes more requests. */
      readonly looksAhead?: boolean
    },
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
  const isSettled = isOurs(inFinalized, keys) && view.looksAhead !== true
  const inLatest = isSettled ? inFinalized : await readOwnRegistration(provider, contract, keys, latest, signal)
  const wait = await provider.call({ to: contract, data: EXIT_WAIT_CALL }, latest.number, signal)
  return stateOf({
    keys,
    latest: inLatest,
    finalized: inFinalized,
    lastId: view.lastId,
    unlockAfterMs: view.unlockAfterMs,
    exitUnsignedAfterMs: Number(decodeExitWait(wait)) * SECOND,
    nowMs: Number(latest.timestampS) * SECOND,
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
