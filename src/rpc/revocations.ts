import type { AccountId } from '../protocol/account.ts'
import type { OperationOrigin, OperationStamp } from '../protocol/operation-stamp.ts'

/** Which subaccounts owners have revoked, as far as the methods need it. A change settles once it is on disk. */
export interface Revocations {
  /** `full`: nothing is revoked. */
  revoke(account: AccountId, tokens: readonly Uint8Array[], origin: OperationOrigin): Promise<'revoked' | 'full'>
  /** How many were revoked until then. */
  unrevoke(account: AccountId, tokens: readonly Uint8Array[], origin: OperationOrigin): Promise<number>
  /** With a stamp: by what was revoked before it. */
  isRevoked(account: AccountId, token: Uint8Array, before?: OperationStamp): boolean
  /** Oldest first. */
  revoked(account: AccountId): readonly Uint8Array[]
}
