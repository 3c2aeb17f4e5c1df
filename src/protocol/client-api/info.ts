import type { TimestampMs } from '../../base/clock.ts'

/** Ask for the node's clock and version. */
export type InfoRequest = Readonly<Record<never, never>>

export function parseInfoParams(): InfoRequest {
  return {}
}

export type InfoAnswer = {
  readonly version: readonly [number, number, number]
  readonly timestamp: TimestampMs
}
