import { MINUTE, type TimestampMs } from '../base/clock.ts'
import type { HeldMessage } from '../protocol/contents.ts'
import { OPERATION_AHEAD_MAX_MS, STORE_CLOCK_TOLERANCE_MS, TTL_MAX_MS } from '../protocol/limits.ts'
import { hashMessage } from '../protocol/message.ts'
import { TEST_SINK } from '../protocol/namespace.ts'
import { stampMs } from '../protocol/operation-stamp.ts'
import type { WrongReason } from './contents-metrics.ts'

/** An honest member may hand over what ends on the way, or by a clock that is a little behind. */
const ENDED_TOLERANCE_MS = 11 * MINUTE

/**
 * What is wrong with a message that a member gave, whatever it claims of it. Anyone could have stored it like this, so what remains
 * is what any client can do. How long it lives is judged by now: an extension counts from when it was made, which nobody proves.
 */
export function wrongOfMessage(held: HeldMessage, nowMs: TimestampMs): WrongReason | undefined {
  const { account, namespace, hash, timestampMs, expiryMs, data } = held.message
  if (namespace === TEST_SINK) return 'namespace'
  const latestMs = nowMs + OPERATION_AHEAD_MAX_MS
  if (stampMs(Math.max(held.stamp, held.changedStamp)) > latestMs) return 'ahead'
  if (timestampMs > latestMs + STORE_CLOCK_TOLERANCE_MS) return 'ahead'
  if (Math.max(expiryMs, held.livesUntilMs) > latestMs + STORE_CLOCK_TOLERANCE_MS + TTL_MAX_MS) return 'ttl'
  if (held.livesUntilMs < nowMs - ENDED_TOLERANCE_MS) return 'expired'
  // Last, for it costs the most.
  return hashMessage(account, namespace, data) === hash ? undefined : 'hash'
}
