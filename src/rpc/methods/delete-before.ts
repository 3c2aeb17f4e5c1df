import {
  type DeleteBeforeRequest,
  deleteBeforeSignedText,
  parseDeleteBeforeParams,
} from '../../protocol/client-api/delete-before.ts'
import { affectedHashesSignedText, hashesByNamespace } from '../../protocol/client-api/namespace-or-all.ts'
import { SUBACCOUNT_DELETE } from '../../protocol/client-api/subaccount.ts'
import { SIGNATURE_WINDOW_MS } from '../../protocol/limits.ts'
import type { Authenticator } from '../authentication.ts'
import { RpcError } from '../errors.ts'
import type { Messages } from '../messages.ts'
import { type SwarmMethod, travelAllowanceMs } from '../method.ts'
import { type NodeIdentity, signResult } from '../node-signer.ts'
import { WHOLE_ACCOUNT_COST } from '../write-cost.ts'

export interface DeleteBeforeComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly messages: Pick<Messages, 'deleteBefore'>
}

export function createDeleteBeforeMethod(components: DeleteBeforeComponents): SwarmMethod<DeleteBeforeRequest> {
  const { authenticator, identity, messages } = components
  return {
    parse: parseDeleteBeforeParams,
    cost: () => WHOLE_ACCOUNT_COST,
    check({ account, authentication, namespace, beforeMs }, call) {
      if (beforeMs > call.nowMs + SIGNATURE_WINDOW_MS + travelAllowanceMs(call)) {
        throw new RpcError('MOMENT_REFUSED', 'delete_before timestamp too far in the future')
      }
      authenticator.require({
        account,
        authentication,
        stamp: call.stamp,
        signedText: deleteBeforeSignedText(namespace, beforeMs),
        access: SUBACCOUNT_DELETE,
        refusal: 'delete_before signature verification failed',
      })
    },
    async execute({ account, namespace, beforeMs }, call) {
      const deleted = await messages.deleteBefore(account, namespace, beforeMs, call)
      const hashes = deleted.map(({ hash }) => hash)
      const signature = signResult(identity, affectedHashesSignedText(account, beforeMs, hashes))
      return { deleted: hashesByNamespace(namespace, deleted), signature }
    },
  }
}
