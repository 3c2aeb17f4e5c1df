import { utf8 } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { accountField, aliasedStringField } from '../protocol/client-api/parameter.ts'
import { parseStoreParams } from '../protocol/client-api/store.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { TTL_MAX_MS } from '../protocol/limits.ts'
import { stampMs } from '../protocol/operation-stamp.ts'
import { decodeForwardedAnswer, decodeForwardedRequest } from '../protocol/peer-api/forwarded-request.ts'

/** Whom a forwarded request is about, and how long it matters. */
export interface ForwardedFacts {
  readonly account: AccountId
  /** From then on, members that have it and members that do not hold the same. */
  readonly expiryMs: TimestampMs
}

/** Undefined for what no member would take. */
export function forwardedFacts(payload: Uint8Array): ForwardedFacts | undefined {
  return unlessMalformed(() => {
    const { method, params, stamp } = decodeForwardedRequest(payload)
    const account = accountField(aliasedStringField(params, 'pubkey', 'pubKey'))
    const expiryMs = method === 'store' ? parseStoreParams(params).expiryMs : stampMs(stamp) + TTL_MAX_MS
    return { account, expiryMs }
  })
}

export type ForwardedVerdict =
  | 'taken'
  /** It has too much to do: it may take it another time. */
  | 'later'
  /** It has no room for it, or does not know yet that it serves the account. Another one it may take at once. */
  | 'aside'
  /** Something went wrong there. It may go wrong each time. */
  | 'failed'
  /** It would say so each time. */
  | 'refused'

const TAKEN = utf8('{"status":200,')
const STATUS_FAILED = 500
const STATUS_TOO_MUCH = 429
/** What a node answers that is an epoch behind, and one where the account or the disk is full. */
const STATUSES_ASIDE: ReadonlySet<number> = new Set([421, 507])
/** Clocks differ: which one is to be set right, nobody knows. */
const STATUS_CLOCK = 406

/** What a member made of a request. Nearly all take it, which the first bytes tell. */
export function forwardedVerdict(answer: Uint8Array): ForwardedVerdict {
  if (Buffer.compare(answer.subarray(0, TAKEN.length), TAKEN) === 0) return 'taken'
  const status = unlessMalformed(() => decodeForwardedAnswer(answer).status)
  if (status === undefined || status === STATUS_FAILED || status === STATUS_CLOCK) return 'failed'
  if (status === 200) return 'taken'
  if (STATUSES_ASIDE.has(status)) return 'aside'
  return status > STATUS_FAILED || status === STATUS_TOO_MUCH ? 'later' : 'refused'
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
