import { MINUTE, SECOND } from '../base/clock.ts'
import type { ClockStatus } from './clock-offset.ts'
import type { PeerTestsOptions } from './options.ts'

export type ClockLimits = Pick<PeerTestsOptions, 'clockWarnMs' | 'clockUnreadyMs'>

export interface ClockTrouble {
  /** Whether the clock is so wrong that nothing should be done by it. */
  readonly isUnready: boolean
  readonly sentence: string
}

/**
 * Says that the clock is off, by how much, and what to do. Undefined while it is right or nothing tells. The chain alone makes no node
 * unready: were it the chain's clock that is wrong, all nodes would stop at once.
 */
export function clockTrouble(
  { aheadMs = 0, isByChain, samples }: ClockStatus,
  { clockWarnMs, clockUnreadyMs }: ClockLimits,
): ClockTrouble | undefined {
  const offMs = Math.abs(aheadMs)
  if (offMs <= clockWarnMs) return undefined
  const side = aheadMs > 0 ? 'ahead of' : 'behind'
  const whom = isByChain ? 'the newest block of the chain' : `the clocks of ${samples} other service nodes`
  const remedy = 'check it with timedatectl, and let NTP set it (timedatectl set-ntp true)'
  return {
    isUnready: !isByChain && offMs > clockUnreadyMs,
    sentence: `The clock of this machine is ${durationText(offMs)} ${side} ${whom}: ${remedy}`,
  }
}

function durationText(ms: number): string {
  return ms < 2 * MINUTE ? `${Math.round(ms / SECOND)} s` : `${Math.round(ms / MINUTE)} min`
}
