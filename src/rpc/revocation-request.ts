import {
  type RevocationMethod,
  type RevocationRequest,
  revocationResultSignedText,
  revocationSignedText,
} from '../protocol/client-api/revocation.ts'
import type { Authenticator } from './authentication.ts'
import { type Call, requireRecent } from './method.ts'
import { type NodeIdentity, signResult } from './node-signer.ts'

/**
 * To revoke and to take that back is for the owner alone, and not long after it was signed.
 * @throws {RpcError} CLOCK_DIFFERS, SIGNATURE_REFUSED
 */
export function checkRevocation(
  method: RevocationMethod,
  { account, authentication, timestampMs, tokens }: RevocationRequest,
  call: Call,
  authenticator: Authenticator,
): void {
  requireRecent(timestampMs, call, `${method} timestamp too far from current time`)
  authenticator.require({
    account,
    authentication,
    signedText: revocationSignedText(method, timestampMs, tokens),
    access: 0,
    refusal: `${method} signature verification failed`,
  })
}

/** What this node signs in its result. */
export function signRevocation({ account, timestampMs, tokens }: RevocationRequest, identity: NodeIdentity): string {
  return signResult(identity, revocationResultSignedText(account, timestampMs, tokens))
}
