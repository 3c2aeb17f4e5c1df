import type { TimestampMs } from '../../base/clock.ts'
import { type ExpireMode, expireResultSignedText, type MessageExpiry } from '../../protocol/client-api/expire.ts'
import { affectedHashesSignedText } from '../../protocol/client-api/namespace-or-all.ts'
import { isWhole, type JsonValue } from '../../protocol/json.ts'
import type { MessageHash } from '../../protocol/message.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import { objectOf } from '../answers.ts'
import { ClientError } from '../errors.ts'
import { allHashesIn, expiriesIn, hashesIn, union } from '../listed-hashes.ts'
import { confirmedValues, type ReadResult, type Receipt, readReceipt } from '../member-results.ts'
import { expireAllRequest, expireRequest, getExpiriesRequest } from '../signed-params.ts'
import type { Signer } from '../signer.ts'
import type { SwarmCall } from '../swarm-call.ts'

/** What one member moved, and what it held but did not move. */
export interface ExpiriesMoved {
  /** With the expiry that each has now: what was asked for, but never later than nodes keep anything. */
  readonly updated: readonly MessageExpiry[]
  /** Only when expiries were to be extended or shortened. */
  readonly unchanged: readonly MessageExpiry[]
}

export interface ExpireReceipt extends Receipt<ExpiriesMoved> {
  /** Messages whose expiry at least one member moved. */
  readonly updated: readonly MessageHash[]
  /** Messages that kept their expiry at some member; only when it was to be extended or shortened. */
  readonly unchanged: readonly MessageExpiry[]
}

export interface Shortened {
  readonly updated: readonly MessageHash[]
}

export interface ExpireAllReceipt extends Receipt<Shortened> {
  /** Messages that end sooner than before, at one member at least. */
  readonly updated: readonly MessageHash[]
}

/** Moves expiries to one moment, or to one for each hash. `extend` and `shorten` move them one way only. */
export function expireCall(
  hashes: readonly MessageHash[],
  expiryMs: TimestampMs | readonly TimestampMs[],
  signer: Signer,
  mode: ExpireMode = 'set',
): SwarmCall<ExpireReceipt> {
  const readResult: ReadResult<ExpiriesMoved> = (result) => {
    const updated = hashesIn(result['updated'])
    const unchanged = expiriesIn(result['unchanged'])
    const expiries = timesIn(result['expiry'])
    if (updated === undefined || unchanged === undefined || expiries === undefined) return undefined
    const [one = 0] = expiries
    const isSingle = typeof result['expiry'] === 'number'
    if (!isSingle && expiries.length !== updated.length) return undefined
    const moved = updated.map((hash, at) => ({ hash, expiryMs: isSingle ? one : (expiries[at] ?? 0) }))
    const signed = expireResultSignedText(signer.id, expiries, hashes, updated, unchanged)
    return { signed, value: { updated: moved, unchanged } }
  }
  return {
    account: signer.id,
    prepare: () => ({
      envelope: expireRequest(hashes, expiryMs, mode, signer),
      read({ body }, { swarm }) {
        const receipt = readReceipt(body, swarm, readResult)
        const values = confirmedValues(receipt)
        const unchanged = new Map(values.flatMap((value) => value.unchanged).map((each) => [each.hash, each]))
        const updated = union(values.map((value) => value.updated.map(({ hash }) => hash)))
        return { updated, unchanged: [...unchanged.values()], ...receipt }
      },
    }),
  }
}

/** Lets no message of a namespace, or of all, live longer than to `expiryMs`. */
export function expireAllCall(
  namespace: Namespace | 'all',
  expiryMs: TimestampMs,
  signer: Signer,
): SwarmCall<ExpireAllReceipt> {
  return {
    account: signer.id,
    prepare: () => ({
      envelope: expireAllRequest(namespace, expiryMs, signer),
      read({ body }, { swarm }) {
        const receipt = readReceipt(body, swarm, (result) => {
          const updated = allHashesIn(result['updated'])
          return updated && { signed: affectedHashesSignedText(signer.id, expiryMs, updated), value: { updated } }
        })
        return { updated: union(confirmedValues(receipt).map(({ updated }) => updated)), ...receipt }
      },
    }),
  }
}

/** When messages end, by one member's word; those that it holds. */
export function getExpiriesCall(hashes: readonly MessageHash[], signer: Signer): SwarmCall<readonly MessageExpiry[]> {
  return {
    account: signer.id,
    prepare: ({ nowMs }) => ({
      envelope: getExpiriesRequest(hashes, nowMs, signer),
      read({ body }) {
        const expiries = expiriesIn(objectOf(body)['expiries'] ?? null)
        if (expiries === undefined) throw new ClientError('ANSWER_INVALID', "The node's answer has no expiries")
        return expiries
      },
    }),
  }
}

function timesIn(value: JsonValue | undefined): readonly TimestampMs[] | undefined {
  const times = Array.isArray(value) ? value : [value]
  return times.every(isWhole) ? times : undefined
}
