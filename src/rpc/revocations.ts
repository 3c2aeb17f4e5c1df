import type { AccountId } from '../protocol/account.ts'

/** Which subaccounts owners have revoked, as far as the methods need it. A change settles once it is on disk. */
export interface Revocations {
  /** `full`: nothing is revoked. */
  revoke(account: AccountId, tokens: readonly Uint8Array[]): Promise<'revoked' | 'full'>
  /** How many were revoked until then. */
  unrevoke(account: AccountId, tokens: readonly Uint8Array[]): Promise<number>
  isRevoked(account: AccountId, token: Uint8Array): boolean
  /** Oldest first. */
  revoked(account: AccountId): readonly Uint8Array[]
}
