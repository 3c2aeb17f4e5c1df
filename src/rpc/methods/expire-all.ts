import {
  type ExpireAllRequest,
  expireAllSignedText,
  parseExpireAllParams,
} from '../../protocol/client-api/expire-all.ts'
import { affectedHashesSignedText, hashesByNamespace } from '../../protocol/client-api/namespace-or-all.ts'
import { SUBACCOUNT_DELETE } from '../../protocol/client-api/subaccount.ts'
import { SIGNATURE_WINDOW_MS } from '../../protocol/limits.ts'
import type { Authenticator } from '../authentication.ts'
import { RpcError } from '../errors.ts'
import type { Messages } from '../messages.ts'
import { type SwarmMethod, travelAllowanceMs } from '../method.ts'
import { type NodeIdentity, signResult } from '../node-signer.ts'
import { WHOLE_ACCOUNT_COST } from '../write-cost.ts'

export interface ExpireAllComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly messages: Pick<Messages, 'expireAll'>
}

export function createExpireAllMethod(components: ExpireAllComponents): SwarmMethod<ExpireAllRequest> {
  const { authenticator, identity, messages } = components
  return {
    parse: parseExpireAllParams,
    cost: () => WHOLE_ACCOUNT_COST,
    check({ account, authentication, namespace, expiryMs }, call) {
      // Unlike in `expire`, a moment that has passed is taken for a wrong clock.
      if (expiryMs < call.nowMs - SIGNATURE_WINDOW_MS - travelAllowanceMs(call)) {
        throw new RpcError('CLOCK_DIFFERS', 'expire_all timestamp should be >= current time')
      }
      authenticator.require({
        account,
        authentication,
        stamp: call.stamp,
        signedText: expireAllSignedText(namespace, expiryMs),
        // To end messages sooner is to delete them.
        access: SUBACCOUNT_DELETE,
        refusal: 'expire_all signature verification failed',
      })
    },
    async execute({ account, namespace, expiryMs }, call) {
      const updated = await messages.expireAll(account, namespace, expiryMs, call)
      const hashes = updated.map(({ hash }) => hash)
      const signature = signResult(identity, affectedHashesSignedText(account, expiryMs, hashes))
      return { updated: hashesByNamespace(namespace, updated), signature }
    },
  }
}
