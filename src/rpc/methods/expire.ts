import {
  type ExpireMode,
  type ExpireRequest,
  expireResultSignedText,
  expireSignedText,
  type MessageExpiry,
  parseExpireParams,
} from '../../protocol/client-api/expire.ts'
import { SUBACCOUNT_DELETE, SUBACCOUNT_WRITE, subaccountAllows } from '../../protocol/client-api/subaccount.ts'
import type { JsonObject } from '../../protocol/json.ts'
import { SIGNATURE_WINDOW_MS, TTL_MAX_MS } from '../../protocol/limits.ts'
import type { Authenticator } from '../authentication.ts'
import { RpcError } from '../errors.ts'
import type { Messages } from '../messages.ts'
import { type StampedCall, type SwarmMethod, travelAllowanceMs } from '../method.ts'
import { type NodeIdentity, signResult } from '../node-signer.ts'
import { costOfHashes } from '../write-cost.ts'

export interface ExpireComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly messages: Pick<Messages, 'expire' | 'pointlessExpire'>
}

export function createExpireMethod(components: ExpireComponents): SwarmMethod<ExpireRequest> {
  const { authenticator, identity, messages } = components
  return {
    parse: parseExpireParams,
    cost: ({ hashes }) => costOfHashes(hashes.length),
    check(request, call) {
      checkExpiries(request, call)
      const { account, authentication, expiriesMs, hashes, mode } = request
      authenticator.require({
        account,
        authentication,
        stamp: call.stamp,
        signedText: expireSignedText(mode, expiriesMs, hashes),
        access: SUBACCOUNT_WRITE,
        refusal: 'expire: signature verification failed',
      })
    },
    async execute(request, call) {
      const { tried, changes } = wishesOf(request, call)
      const { updated, unchanged } = await messages.expire(request.account, changes, effectiveMode(request), call)
      return resultOf(request, { tried, updated, unchanged: request.mode === 'set' ? [] : unchanged }, identity)
    },
    // Clients put off the end of what they keep at every poll.
    async spare(request, call) {
      const { tried, changes } = wishesOf(request, call)
      const mode = effectiveMode(request)
      const held = await messages.pointlessExpire(request.account, changes, mode)
      if (held === undefined) return undefined
      // A subaccount that only extends, without having said so, is not told what did not move.
      const unchanged = mode === 'extend-any' ? [] : held
      return resultOf(request, { tried, updated: [], unchanged }, identity)
    },
  }
}

/** What is tried for each message: never later than what a new message could have, by the entry node's clock. */
function wishesOf({ expiriesMs, hashes }: ExpireRequest, { receivedMs }: StampedCall) {
  const tried = expiriesMs.map((expiryMs) => Math.min(expiryMs, receivedMs + TTL_MAX_MS))
  return { tried, changes: hashes.map((hash, at) => ({ hash, expiryMs: tried[at] ?? tried[0] ?? 0 })) }
}

function checkExpiries({ authentication, expiriesMs, mode }: ExpireRequest, call: StampedCall): void {
  const earliestMs = call.nowMs - SIGNATURE_WINDOW_MS - travelAllowanceMs(call)
  if (expiriesMs.some((expiryMs) => expiryMs < earliestMs)) {
    throw new RpcError('MOMENT_REFUSED', 'expire: timestamp should be >= current time')
  }
  if (mode === 'shorten' && !mayShorten(authentication)) {
    throw new RpcError(
      'PARAMETER_NOT_ALLOWED',
      'expire: shorten parameter cannot be used with this subaccount token (missing delete access)',
    )
  }
}

/** To end a message sooner is to delete it. */
function mayShorten({ subaccount }: ExpireRequest['authentication']): boolean {
  return subaccount === undefined || subaccountAllows(subaccount.token, SUBACCOUNT_DELETE)
}

/** A subaccount that may not delete only extends, whether it said so or not. */
function effectiveMode({ authentication, mode }: ExpireRequest): ExpireMode | 'extend-any' {
  return mode === 'set' && !mayShorten(authentication) ? 'extend-any' : mode
}

interface ExpireOutcome {
  readonly tried: readonly number[]
  readonly updated: readonly MessageExpiry[]
  readonly unchanged: readonly MessageExpiry[]
}

/** `unchanged` is for clients that asked for one direction, or for nothing; the signature covers what the result says. */
function resultOf(
  { account, hashes, mode }: ExpireRequest,
  outcome: ExpireOutcome,
  identity: NodeIdentity,
): JsonObject {
  const { tried, updated, unchanged } = outcome
  const applied = tried.length === 1 ? tried : updated.map(({ expiryMs }) => expiryMs)
  const updatedHashes = updated.map(({ hash }) => hash)
  const text = expireResultSignedText(account, applied, hashes, updatedHashes, unchanged)
  return {
    expiry: tried.length === 1 ? (tried[0] ?? 0) : applied,
    updated: updatedHashes,
    ...((mode !== 'set' || unchanged.length > 0) && {
      unchanged: Object.fromEntries(unchanged.map(({ hash, expiryMs }) => [hash, expiryMs])),
    }),
    signature: signResult(identity, text),
  }
}
