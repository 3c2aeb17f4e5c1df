import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import { wait } from '../base/wait.ts'
import { type ChainProvider, createChainProvider } from './chain-provider.ts'
import type { ProviderLabel, StakingMetrics } from './metrics.ts'
import type { StakingOptions } from './options.ts'
import { type HealthOptions, ProviderHealth } from './provider-health.ts'
import { RequestBudget } from './request-budget.ts'
import { createRpcClient } from './rpc-client.ts'

/** One of the configured providers, with all that is known of it. */
export interface ProviderEntry {
  readonly provider: ChainProvider
  readonly health: ProviderHealth
  readonly budget: RequestBudget
  readonly label: ProviderLabel
}

export interface ProviderEntryComponents {
  readonly clock: Clock
  readonly metrics: StakingMetrics
  /** How waits for the budget pass. */
  readonly pause?: (ms: DurationMs, signal: AbortSignal) => Promise<void>
}

export type ProviderEntryOptions = HealthOptions &
  Pick<StakingOptions, 'requestTimeoutMs' | 'replyMaxBytes' | 'requestsBurst' | 'requestsPerSecond'>

const LABELS: readonly ProviderLabel[] = ['0', '1', '2', '3', '4', '5', '6', '7']

export function createProviderEntry(
  { clock, metrics, pause = wait }: ProviderEntryComponents,
  { url, index }: { url: string; index: number },
  options: ProviderEntryOptions,
): ProviderEntry {
  const { requestsBurst, requestsPerSecond } = options
  const label = LABELS[index] ?? '7'
  const health = new ProviderHealth(clock, options)
  const budget = new RequestBudget({ clock, pause }, { burst: requestsBurst, perSecond: requestsPerSecond })
  const rpc = createRpcClient(
    {
      clock,
      budget,
      onWait: () => metrics.budgetWaits.inc({ provider: label }),
      onEnd: (outcome, tookMs) => {
        metrics.requests.inc({ provider: label, outcome })
        metrics.requestSeconds.observe(tookMs / SECOND, { provider: label })
        if (outcome === 'ok') health.timed(tookMs)
      },
    },
    { url, ...options },
  )
  return { provider: createChainProvider(rpc, index), health, budget, label }
}

export function isSound({ health }: ProviderEntry): boolean {
  return health.trouble === undefined
}
