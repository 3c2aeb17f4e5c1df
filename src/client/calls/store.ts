import { DAY, type DurationMs, type TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../../protocol/account.ts'
import { storeResultSignedText } from '../../protocol/client-api/store.ts'
import { isWhole, type JsonValue } from '../../protocol/json.ts'
import { STORE_CLOCK_TOLERANCE_MS, TTL_MAX_MS } from '../../protocol/limits.ts'
import { hashMessage, type MessageHash } from '../../protocol/message.ts'
import { DEFAULT_NAMESPACE, type Namespace } from '../../protocol/namespace.ts'
import { confirmedValues, type Receipt, readReceipt } from '../member-results.ts'
import { storeRequest } from '../signed-params.ts'
import type { Signer } from '../signer.ts'
import type { SwarmCall } from '../swarm-call.ts'

/** What Session's clients give to a message. */
export const MESSAGE_TTL_MS: DurationMs = 14 * DAY

export interface StoreInput {
  /** Whose swarm keeps it. */
  readonly account: AccountId
  readonly data: Uint8Array
  /** 0, where direct messages arrive, unless given. */
  readonly namespace?: Namespace
  readonly ttlMs?: DurationMs
}

/** What one member says that it keeps. It signs the hash alone: the rest is its word. */
export interface StoredCopy {
  /** A message that was held before keeps the later expiry. */
  readonly expiryMs: TimestampMs
  /** The member held it before. */
  readonly already: boolean
}

export interface StoreReceipt extends Receipt<StoredCopy> {
  readonly hash: MessageHash
  /** The latest that a member named, which no member signs; never later than nodes keep anything. */
  readonly expiryMs: TimestampMs
}

/**
 * Stores bytes as they are. The message's hash follows from account, namespace and bytes alone, so that however often it is
 * stored, the swarm holds it once. `signer` is needed for what not everybody may store.
 */
export function storeCall(input: StoreInput, signer?: Signer): SwarmCall<StoreReceipt> {
  const { account, data, namespace = DEFAULT_NAMESPACE, ttlMs = MESSAGE_TTL_MS } = input
  const hash = hashMessage(account, namespace, data)
  return {
    account,
    prepare: ({ nowMs }) => ({
      envelope: storeRequest({ account, namespace, data, timestampMs: nowMs, ttlMs }, signer),
      read({ body }, { swarm }) {
        const latestMs = nowMs + TTL_MAX_MS + STORE_CLOCK_TOLERANCE_MS
        const requestedMs = nowMs + ttlMs
        const receipt = readReceipt(body, swarm, (result) => {
          if (result['hash'] !== hash) return undefined
          const expiryMs = expiryIn(result['expiry'], latestMs) ?? requestedMs
          return { signed: storeResultSignedText(hash), value: { expiryMs, already: result['already'] === true } }
        })
        const expiryMs = Math.max(...confirmedValues(receipt).map((copy) => copy.expiryMs))
        return { hash, expiryMs, ...receipt }
      },
    }),
  }
}

function expiryIn(value: JsonValue | undefined, latestMs: TimestampMs): TimestampMs | undefined {
  return isWhole(value) && value <= latestMs ? value : undefined
}
