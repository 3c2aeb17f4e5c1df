import { BaseError, decodeFunctionResult, encodeFunctionData } from 'viem'
import { fromHex, toHex } from '../base/bytes.ts'
import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { blsTags } from '../crypto/bls-messages.ts'
import { serviceNodeRewardsAbi } from './abi.ts'
import { type ChainProvider, createChainProvider } from './chain-provider.ts'
import { type Hex, malformed } from './chain-reply.ts'
import { isProviderFault, StakingError, type StakingErrorCode } from './errors.ts'
import type { ProviderLabel, StakingMetrics } from './metrics.ts'
import { checkChainOptions, type StakingOptions } from './options.ts'
import { createRpcClient } from './rpc-client.ts'

export interface ProviderStatus {
  /** Name and port. The rest of the URL may hold a key. */
  readonly host: string
  readonly healthy: boolean
  readonly lastError: StakingErrorCode | undefined
}

/** The configured RPC providers: which may be asked now, and how they fared. */
export interface ChainProviders {
  /** How many must agree before a result counts. */
  readonly quorum: number
  readonly count: number
  /** Those not resting after a failure, in the configured order. */
  available(): readonly ChainProvider[]
  /**
   * Does work with one provider, after a check (if one is due) that it serves the right chain and contract. A failure of the
   * provider lets it rest.
   */
  use<T>(provider: ChainProvider, work: (provider: ChainProvider) => Promise<T>, signal: AbortSignal): Promise<T>
  /** Records that others agree on something else than this provider said. */
  reportDissent(provider: ChainProvider): void
  /**
   * Looks at every provider. One that cannot be reached is no reason to refuse a start, but one of another chain is. One without the
   * contract is, unless another has it: a node of one's own that is still fetching the chain does not have it yet.
   * @throws {StakingError} CHAIN_WRONG, CONTRACT_WRONG
   */
  refuseWrongChain(signal: AbortSignal): Promise<void>
  status(): readonly ProviderStatus[]
}

export interface ProvidersComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: StakingMetrics
}

export type ProvidersOptions = Pick<
  StakingOptions,
  | 'chainId'
  | 'contract'
  | 'rpcUrls'
  | 'requestTimeoutMs'
  | 'replyMaxBytes'
  | 'backOffMinMs'
  | 'backOffMaxMs'
  | 'providerCheckIntervalMs'
>

interface Health {
  failures: number
  restsUntilMs: DurationMs
  lastError: StakingErrorCode | undefined
  checkedAtMs: TimestampMs | undefined
}

/** @throws {StakingError} STAKING_OPTIONS_INVALID */
export function createChainProviders(components: ProvidersComponents, options: ProvidersOptions): ChainProviders {
  checkChainOptions(options)
  const { clock, log, metrics } = components
  const entries = options.rpcUrls.map((url, index) => ({
    provider: createChainProvider(createRpcClient(components, { url, ...options }), index),
    health: { failures: 0, restsUntilMs: 0, lastError: undefined, checkedAtMs: undefined } satisfies Health as Health,
  }))
  if (entries.length === 1) {
    log.warn({ provider: entries[0]?.provider.host }, 'Only one RPC provider is configured, so what it says is trusted')
  }
  const healthOf = (provider: ChainProvider): Health => {
    const entry = entries[provider.index]
    if (entry === undefined) throw new RangeError('This provider is not of this set')
    return entry.health
  }
  const available = () =>
    entries.filter(({ health }) => health.restsUntilMs <= clock.monotonicMs()).map(({ provider }) => provider)

  const succeeded = (provider: ChainProvider) => {
    const health = healthOf(provider)
    if (health.failures > 0) log.info({ provider: provider.host }, 'An RPC provider answers again')
    Object.assign(health, { failures: 0, restsUntilMs: 0, lastError: undefined })
    metrics.providerUp.set(1, { provider: labelOf(provider) })
  }
  const failed = (provider: ChainProvider, code: StakingErrorCode) => {
    const health = healthOf(provider)
    if (health.lastError !== code) log.warn({ provider: provider.host, code }, 'An RPC provider fails')
    const rest = Math.min(options.backOffMinMs * 2 ** health.failures, options.backOffMaxMs)
    health.failures = Math.min(health.failures + 1, FAILURES_COUNTED)
    health.restsUntilMs = clock.monotonicMs() + rest
    health.lastError = code
    metrics.providerUp.set(0, { provider: labelOf(provider) })
  }
  const use: ChainProviders['use'] = async (provider, work, signal) => {
    const health = healthOf(provider)
    try {
      if (health.checkedAtMs === undefined || clock.nowMs() - health.checkedAtMs >= options.providerCheckIntervalMs) {
        health.checkedAtMs = undefined
        await requireRightContract(provider, options, signal)
        health.checkedAtMs = clock.nowMs()
      }
      const result = await work(provider)
      succeeded(provider)
      return result
    } catch (error) {
      if (isProviderFault(error)) failed(provider, error.code)
      throw error
    }
  }

  return {
    quorum: Math.min(entries.length, QUORUM),
    count: entries.length,
    available,
    use,
    reportDissent: (provider) => failed(provider, 'PROVIDER_DISAGREES'),
    async refuseWrongChain(signal) {
      const looks = await Promise.allSettled(entries.map(({ provider }) => use(provider, async () => {}, signal)))
      const failures = looks.flatMap((look) => (look.status === 'rejected' ? [look.reason] : []))
      const failureOf = (code: StakingErrorCode) =>
        failures.find((reason) => reason instanceof StakingError && reason.code === code)
      const isSomewhere = failures.length < looks.length
      const reason = failureOf('CHAIN_WRONG') ?? (isSomewhere ? undefined : failureOf('CONTRACT_WRONG'))
      if (reason !== undefined) throw reason
    },
    status: () =>
      entries.map(({ provider, health }) => ({
        host: provider.host,
        healthy: health.failures === 0 && health.checkedAtMs !== undefined,
        lastError: health.lastError,
      })),
  }
}

/** One provider may lie, be broken or lag; two of different vendors that say the same are believed. */
const QUORUM = 2
/** Enough for any back-off, and 2 to this power is still exact. */
const FAILURES_COUNTED = 30

const LABELS: readonly ProviderLabel[] = ['0', '1', '2', '3', '4', '5', '6', '7']

function labelOf(provider: ChainProvider): ProviderLabel {
  return LABELS[provider.index] ?? '7'
}

const TAG_CALL: Hex = encodeFunctionData({ abi: serviceNodeRewardsAbi, functionName: 'proofOfPossessionTag' })

/**
 * The contract computes this tag from its chain id and its proxy's address, so one equality proves chain, address, and that the
 * code is a staking contract's.
 */
async function requireRightContract(
  provider: ChainProvider,
  options: Pick<StakingOptions, 'chainId' | 'contract'>,
  signal: AbortSignal,
): Promise<void> {
  const details = { host: provider.host, chainId: options.chainId }
  const chainId = await provider.chainId(signal)
  if (chainId !== BigInt(options.chainId)) {
    const message = `The RPC provider ${provider.host} serves chain ${chainId}, not ${options.chainId}`
    throw new StakingError('CHAIN_WRONG', message, { details })
  }
  const head = await provider.block('latest', signal)
  if (head === undefined) throw malformed('no newest block')
  const tag = await readTag(provider, options.contract, head.number, signal)
  if (toHex(tag) !== toHex(blsTags(options.chainId, options.contract).proofOfPossession)) {
    const message = `There is no staking contract of chain ${options.chainId} at ${options.contract} (${provider.host})`
    throw new StakingError('CONTRACT_WRONG', message, { details })
  }
}

/** Empty for anything that is not a tag: an address without code returns nothing, another contract refuses. */
async function readTag(provider: ChainProvider, contract: Hex, at: bigint, signal: AbortSignal): Promise<Uint8Array> {
  try {
    const data = await provider.call({ to: contract, data: TAG_CALL }, at, signal)
    const tag = decodeFunctionResult({ abi: serviceNodeRewardsAbi, functionName: 'proofOfPossessionTag', data })
    return fromHex(tag.slice(2)) ?? new Uint8Array()
  } catch (error) {
    const isOther = error instanceof BaseError || (error instanceof StakingError && error.code === 'CALL_REVERTED')
    if (isOther) return new Uint8Array()
    throw error
  }
}
