import { parseRevokeSubaccountParams, type RevocationRequest } from '../../protocol/client-api/revocation.ts'
import type { Authenticator } from '../authentication.ts'
import { RpcError } from '../errors.ts'
import type { SwarmMethod } from '../method.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { NodeIdentity } from '../node-signer.ts'
import { checkRevocation, signRevocation } from '../revocation-request.ts'
import type { Revocations } from '../revocations.ts'

export interface RevokeSubaccountComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly monitor: Pick<Monitor, 'revoked'>
  readonly revocations: Pick<Revocations, 'revoke'>
}

export function createRevokeSubaccountMethod(components: RevokeSubaccountComponents): SwarmMethod<RevocationRequest> {
  const { authenticator, identity, monitor, revocations } = components
  return {
    parse: parseRevokeSubaccountParams,
    check: (request, call) => checkRevocation('revoke_subaccount', request, call, authenticator),
    async execute(request, call) {
      const outcome = await revocations.revoke(request.account, request.tokens, call)
      if (outcome === 'full') throw new RpcError('STORAGE_FULL', 'Storage is full')
      monitor.revoked(request.account)
      return { signature: signRevocation(request, identity) }
    },
  }
}
