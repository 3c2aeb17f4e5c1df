import {
  type DeleteAllRequest,
  deleteAllSignedText,
  parseDeleteAllParams,
} from '../../protocol/client-api/delete-all.ts'
import { affectedHashesSignedText, hashesByNamespace } from '../../protocol/client-api/namespace-or-all.ts'
import { SUBACCOUNT_DELETE } from '../../protocol/client-api/subaccount.ts'
import type { Authenticator } from '../authentication.ts'
import type { Messages } from '../messages.ts'
import { requireRecent, type SwarmMethod } from '../method.ts'
import { type NodeIdentity, signResult } from '../node-signer.ts'
import { WHOLE_ACCOUNT_COST } from '../write-cost.ts'

export interface DeleteAllComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly messages: Pick<Messages, 'deleteAll'>
}

export function createDeleteAllMethod(components: DeleteAllComponents): SwarmMethod<DeleteAllRequest> {
  const { authenticator, identity, messages } = components
  return {
    parse: parseDeleteAllParams,
    cost: () => WHOLE_ACCOUNT_COST,
    check({ account, authentication, namespace, timestampMs }, call) {
      requireRecent(timestampMs, call, 'delete_all timestamp too far from current time')
      authenticator.require({
        account,
        authentication,
        stamp: call.stamp,
        signedText: deleteAllSignedText(namespace, timestampMs),
        access: SUBACCOUNT_DELETE,
        refusal: 'delete_all signature verification failed',
      })
    },
    async execute({ account, namespace, timestampMs }, call) {
      const deleted = await messages.deleteAll(account, namespace, call)
      const hashes = deleted.map(({ hash }) => hash)
      const signature = signResult(identity, affectedHashesSignedText(account, timestampMs, hashes))
      return { deleted: hashesByNamespace(namespace, deleted), signature }
    },
  }
}
