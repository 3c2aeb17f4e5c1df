import type { TimestampMs } from '../base/clock.ts'
import type { JsonObject } from '../protocol/json.ts'

/**
 * Hard fork and service node revision that answers carry as `hf`. Clients switch features on by it: 19.4 is the first
 * with expiries of their own for several messages in one `expire`, and nothing later depends on it.
 */
export const NETWORK_VERSION = [19, 4] as const

/** Adds what most answers end with: our clock, which clients set theirs by, and the network's version. */
export function stamped(body: JsonObject, nowMs: TimestampMs): JsonObject {
  return { ...body, t: nowMs, hf: NETWORK_VERSION }
}
