import {
  parseRevokeSubaccountParams,
  parseUnrevokeSubaccountParams,
  type RevocationMethod,
  type RevocationRequest,
  revocationResultSignedText,
  revocationSignedText,
} from '../../protocol/client-api/revocation.ts'
import type { Authenticator } from '../authentication.ts'
import { RpcError } from '../errors.ts'
import { type Call, requireRecent, type SwarmMethod } from '../method.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { type NodeIdentity, signResult } from '../node-signer.ts'
import type { Revocations } from '../revocations.ts'

export interface RevocationComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly monitor: Pick<Monitor, 'revoked'>
  readonly revocations: Pick<Revocations, 'revoke' | 'unrevoke'>
}

export function createRevokeSubaccountMethod(components: RevocationComponents): SwarmMethod<RevocationRequest> {
  const { authenticator, identity, monitor, revocations } = components
  return {
    parse: parseRevokeSubaccountParams,
    check: (request, call) => checkOwner('revoke_subaccount', request, call, authenticator),
    async execute(request) {
      const outcome = await revocations.revoke(request.account, request.tokens)
      if (outcome === 'full') throw new RpcError('STORAGE_FULL', 'Storage is full')
      monitor.revoked(request.account)
      return { signature: signed(request, identity) }
    },
  }
}

export function createUnrevokeSubaccountMethod(
  components: Omit<RevocationComponents, 'monitor'>,
): SwarmMethod<RevocationRequest> {
  const { authenticator, identity, revocations } = components
  return {
    parse: parseUnrevokeSubaccountParams,
    check: (request, call) => checkOwner('unrevoke_subaccount', request, call, authenticator),
    async execute(request) {
      const count = await revocations.unrevoke(request.account, request.tokens)
      return { count, signature: signed(request, identity) }
    },
  }
}

function checkOwner(
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

function signed({ account, timestampMs, tokens }: RevocationRequest, identity: NodeIdentity): string {
  return signResult(identity, revocationResultSignedText(account, timestampMs, tokens))
}
