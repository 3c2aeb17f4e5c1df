import { toBase64 } from '../../base/bytes.ts'
import {
  parseRevokedSubaccountsParams,
  type RevokedSubaccountsAnswer,
  type RevokedSubaccountsRequest,
  revokedSubaccountsSignedText,
} from '../../protocol/client-api/revocation.ts'
import type { AccountLimiter } from '../account-limiter.ts'
import type { Authenticator } from '../authentication.ts'
import { type LocalMethod, requireRecent } from '../method.ts'
import { stamped } from '../network-version.ts'
import type { Revocations } from '../revocations.ts'
import type { ServiceNodeDirectory } from '../service-node-directory.ts'

export interface RevokedSubaccountsComponents {
  readonly accounts: AccountLimiter
  readonly authenticator: Authenticator
  readonly directory: Pick<ServiceNodeDirectory, 'unreadable'>
  readonly revocations: Pick<Revocations, 'revoked'>
}

export function createRevokedSubaccountsMethod(
  components: RevokedSubaccountsComponents,
): LocalMethod<RevokedSubaccountsRequest> {
  const { accounts, authenticator, directory, revocations } = components
  return {
    parse: parseRevokedSubaccountsParams,
    answer({ account, authentication, timestampMs }, call) {
      const unreadable = directory.unreadable(account, call.nowMs)
      if (unreadable !== undefined) return unreadable
      requireRecent(timestampMs, call, 'revoked_subaccounts timestamp too far from current time')
      authenticator.require({
        account,
        authentication,
        signedText: revokedSubaccountsSignedText(timestampMs),
        access: 0,
        refusal: 'revoked_subaccounts signature verification failed',
      })
      accounts.take('reads', { account, authentication })
      const body: RevokedSubaccountsAnswer = { revoked_subaccounts: revocations.revoked(account).map(toBase64) }
      return { status: 200, body: stamped(body, call.nowMs) }
    },
  }
}
