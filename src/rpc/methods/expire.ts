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
import { type Call, type SwarmMethod, travelAllowanceMs } from '../method.ts'
import { type NodeIdentity, signResult } from '../node-signer.ts'

export interface ExpireComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly messages: Pick<Messages, 'expire'>
}

export function createExpireMethod(components: ExpireComponents): SwarmMethod<ExpireRequest> {
  const { authenticator, identity, messages } = components
  return {
    parse: parseExpireParams,
    check(request, call) {
      checkExpiries(request, call)
      const { account, authentication, expiriesMs, hashes, mode } = request
      authenticator.require({
        account,
        authentication,
        signedText: expireSignedText(mode, expiriesMs, hashes),
        access: SUBACCOUNT_WRITE,
        refusal: 'expire: signature verification failed',
      })
    },
    async execute(request, call) {
      const { account, hashes } = request
      const expiriesMs = request.expiriesMs.map((expiryMs) => Math.min(expiryMs, call.receivedMs + TTL_MAX_MS))
      const changes = hashes.map((hash, at) => ({ hash, expiryMs: expiriesMs[at] ?? expiriesMs[0] ?? 0 }))
      const { updated, unchanged } = await messages.expire(account, changes, effectiveMode(request))
      return resultOf(request, { tried: expiriesMs, updated, unchanged }, identity)
    },
  }
}

function checkExpiries({ authentication, expiriesMs, mode }: ExpireRequest, call: Call): void {
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

/** `unchanged` is for clients that asked for one direction; the signature covers what the result says. */
function resultOf(
  { account, hashes, mode }: ExpireRequest,
  outcome: ExpireOutcome,
  identity: NodeIdentity,
): JsonObject {
  const { tried, updated, unchanged } = outcome
  const applied = tried.length === 1 ? tried : updated.map(({ expiryMs }) => expiryMs)
  const updatedHashes = updated.map(({ hash }) => hash)
  const kept = mode === 'set' ? [] : unchanged
  const text = expireResultSignedText(account, applied, hashes, updatedHashes, kept)
  return {
    expiry: tried.length === 1 ? (tried[0] ?? 0) : applied,
    updated: updatedHashes,
    ...(mode !== 'set' && { unchanged: Object.fromEntries(kept.map(({ hash, expiryMs }) => [hash, expiryMs])) }),
    signature: signResult(identity, text),
  }
}
