import { parseUnrevokeSubaccountParams, type RevocationRequest } from '../../protocol/client-api/revocation.ts'
import type { Authenticator } from '../authentication.ts'
import type { SwarmMethod } from '../method.ts'
import type { NodeIdentity } from '../node-signer.ts'
import { checkRevocation, signRevocation } from '../revocation-request.ts'
import type { Revocations } from '../revocations.ts'

export interface UnrevokeSubaccountComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly revocations: Pick<Revocations, 'unrevoke'>
}

export function createUnrevokeSubaccountMethod(
  components: UnrevokeSubaccountComponents,
): SwarmMethod<RevocationRequest> {
  const { authenticator, identity, revocations } = components
  return {
    parse: parseUnrevokeSubaccountParams,
    check: (request, call) => checkRevocation('unrevoke_subaccount', request, call, authenticator),
    async execute(request, call) {
      const count = await revocations.unrevoke(request.account, request.tokens, call)
      return { count, signature: signRevocation(request, identity) }
    },
  }
}
