import {
  type DeleteRequest,
  deleteResultSignedText,
  deleteSignedText,
  parseDeleteParams,
} from '../../protocol/client-api/delete.ts'
import { SUBACCOUNT_DELETE } from '../../protocol/client-api/subaccount.ts'
import type { Authenticator } from '../authentication.ts'
import type { Messages } from '../messages.ts'
import type { SwarmMethod } from '../method.ts'
import { type NodeIdentity, signResult } from '../node-signer.ts'
import { costOfHashes } from '../write-cost.ts'

export interface DeleteComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly messages: Pick<Messages, 'delete'>
}

export function createDeleteMethod(components: DeleteComponents): SwarmMethod<DeleteRequest> {
  const { authenticator, identity, messages } = components
  return {
    parse: parseDeleteParams,
    cost: ({ hashes }) => costOfHashes(hashes.length),
    check({ account, authentication, hashes }, call) {
      authenticator.require({
        account,
        authentication,
        stamp: call.stamp,
        signedText: deleteSignedText(hashes),
        access: SUBACCOUNT_DELETE,
        refusal: 'delete_msgs signature verification failed',
      })
    },
    async execute({ account, hashes }, call) {
      const deleted = await messages.delete(account, hashes, call)
      return { deleted, signature: signResult(identity, deleteResultSignedText(account, hashes, deleted)) }
    },
    conclude({ required }, { all }) {
      const hasDeleted = all.some(({ deleted }) => Array.isArray(deleted) && deleted.length > 0)
      return required && !hasDeleted ? { status: 404 } : {}
    },
  }
}
