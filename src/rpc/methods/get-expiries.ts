import {
  type GetExpiriesRequest,
  getExpiriesSignedText,
  parseGetExpiriesParams,
} from '../../protocol/client-api/get-expiries.ts'
import { SUBACCOUNT_READ } from '../../protocol/client-api/subaccount.ts'
import { parseMessageHash } from '../../protocol/message.ts'
import type { AccountLimiter } from '../account-limiter.ts'
import type { Authenticator } from '../authentication.ts'
import type { Messages } from '../messages.ts'
import { type LocalMethod, requireRecent } from '../method.ts'
import type { ServiceNodeDirectory } from '../service-node-directory.ts'

export interface GetExpiriesComponents {
  readonly accounts: AccountLimiter
  readonly authenticator: Authenticator
  readonly directory: Pick<ServiceNodeDirectory, 'unreadable'>
  readonly messages: Pick<Messages, 'expiries'>
}

export function createGetExpiriesMethod(components: GetExpiriesComponents): LocalMethod<GetExpiriesRequest> {
  const { accounts, authenticator, directory, messages } = components
  return {
    parse: parseGetExpiriesParams,
    async answer(request, call) {
      const { account, authentication, hashes, timestampMs } = request
      const unreadable = directory.unreadable(account, call.nowMs)
      if (unreadable !== undefined) return unreadable
      requireRecent(timestampMs, call, 'get_expiries timestamp too far from current time')
      authenticator.require({
        account,
        authentication,
        signedText: getExpiriesSignedText(timestampMs, hashes),
        access: SUBACCOUNT_READ,
        refusal: 'get_expiries signature verification failed',
      })
      accounts.take('reads', request)
      const held = await messages.expiries(
        account,
        hashes.flatMap((text) => parseMessageHash(text) ?? []),
      )
      const expiries = Object.fromEntries(held.map(({ hash, expiryMs }) => [hash, expiryMs]))
      return { status: 200, body: { expiries } }
    },
  }
}
