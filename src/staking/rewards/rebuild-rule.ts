import type { DurationMs } from '../../base/clock.ts'
import type { RewardsOptions } from './options.ts'

/**
 * When all logs are read again. Logs that a provider lacked when they were read would be missing for ever; but what every provider
 * lacks would be lacking again, so it is not done at once, and not often.
 */
export class RebuildRule {
  readonly #options: Pick<RewardsOptions, 'rebuildAfterMs' | 'rebuildIntervalMs'>
  #unsoundSinceMs: DurationMs | undefined
  #rebuiltAtMs: DurationMs | undefined

  constructor(options: Pick<RewardsOptions, 'rebuildAfterMs' | 'rebuildIntervalMs'>) {
    this.#options = options
  }

  /** To be asked after each look at the chain; when it says yes, it counts from anew. `isSound`: nothing contradicts the logs. */
  isDue(isSound: boolean, nowMs: DurationMs): boolean {
    this.#unsoundSinceMs = isSound ? undefined : (this.#unsoundSinceMs ?? nowMs)
    const { rebuildAfterMs, rebuildIntervalMs } = this.#options
    if (this.#unsoundSinceMs === undefined || nowMs - this.#unsoundSinceMs < rebuildAfterMs) return false
    if (this.#rebuiltAtMs !== undefined && nowMs - this.#rebuiltAtMs < rebuildIntervalMs) return false
    this.#rebuiltAtMs = nowMs
    this.#unsoundSinceMs = undefined
    return true
  }
}
