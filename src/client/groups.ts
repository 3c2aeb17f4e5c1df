import { assert } from '../base/assert.ts'
import { bytesEqual, concat, fromBase64, toBase64, toHex } from '../base/bytes.ts'
import { type Ed25519KeyPair, type Ed25519PublicKey, KeyError } from '../crypto/keys.ts'
import { sign, verifySignature } from '../crypto/signature.ts'
import {
  type AccountId,
  accountIdFromBytes,
  accountKey,
  accountPrefix,
  SESSION_ID_PREFIX,
} from '../protocol/account.ts'
import {
  parseSubaccountToken,
  SUBACCOUNT_ANY_PREFIX,
  SUBACCOUNT_DELETE,
  SUBACCOUNT_READ,
  SUBACCOUNT_WRITE,
  subaccountAllows,
  subaccountKey,
  subaccountPrefix,
  subaccountToken,
} from '../protocol/client-api/subaccount.ts'
import { accountFromSeed, accountIdOf } from './account.ts'
import { ClientError } from './errors.ts'
import { type Member, type Owner, ownerKeyOf, type SubaccountPass } from './signer.ts'

// A group is an account whose id is an Ed25519 key behind 03. Whoever has its seed owns it; members act on it with passes,
// and the owner can revoke these. What a group's messages contain is the application's: nodes and this SDK see bytes.

const GROUP_PREFIX = 0x03

/** What a pass allows. */
export type Right =
  /** Retrieve, ask for expiries, and be told of new messages. */
  | 'read'
  /** Store, and extend expiries. */
  | 'write'
  /** Delete, and shorten expiries. */
  | 'delete'
  /** Any of these on accounts with the same key and another prefix. */
  | 'any-prefix'

const FLAGS: Readonly<Record<Right, number>> = {
  read: SUBACCOUNT_READ,
  write: SUBACCOUNT_WRITE,
  delete: SUBACCOUNT_DELETE,
  'any-prefix': SUBACCOUNT_ANY_PREFIX,
}

/** What Session's groups give to members. */
const MEMBER_RIGHTS: readonly Right[] = ['read', 'write']

/** The owner of a group. A seed is 64 hex digits, from `generateAccountSeed`. @throws {ClientError} ACCOUNT_INVALID */
export function groupFromSeed(seedHex: string): Owner {
  const { ed25519 } = accountFromSeed(seedHex)
  const id = accountIdFromBytes(concat(Uint8Array.of(GROUP_PREFIX), ed25519.publicKey))
  assert(id !== undefined, 'A prefix byte and a 32-byte key make an account id')
  return { id, ed25519 }
}

/** Lets the holder of `member`'s secret key act on the owner's account. */
export function issuePass(
  owner: Owner,
  member: Ed25519PublicKey,
  rights: readonly Right[] = MEMBER_RIGHTS,
): SubaccountPass {
  const flags = rights.reduce((sum, right) => sum | FLAGS[right], 0)
  const token = subaccountToken(accountPrefix(owner.id), flags, member)
  return {
    account: owner.id,
    ownerKey: toHex(owner.ed25519.publicKey),
    token: toBase64(token),
    signature: toBase64(sign(token, owner.ed25519.secretKey)),
  }
}

/**
 * Somebody who acts with a pass. The pass is checked as nodes will check it; only whether it is revoked they alone know.
 * @throws {ClientError} PASS_INVALID
 */
export function memberFromPass(pass: SubaccountPass, ed25519: Ed25519KeyPair): Member {
  const token = parseSubaccountToken(pass.token)
  if (token === undefined) throw invalid('its token is not 36 bytes')
  if (!bytesEqual(subaccountKey(token), ed25519.publicKey)) throw invalid('it was given to another key')
  if (subaccountPrefix(token) !== accountPrefix(pass.account) && !subaccountAllows(token, SUBACCOUNT_ANY_PREFIX)) {
    throw invalid('it is for other accounts')
  }
  const owner = ownerKeyOf(pass)
  if (owner === undefined || !owns(owner, pass.account)) throw invalid('its owner does not own the account')
  const signature = fromBase64(pass.signature)
  if (signature === undefined || !verifySignature(signature, token, owner)) throw invalid('its owner did not sign it')
  return { id: pass.account, ed25519, pass }
}

function owns(key: Ed25519PublicKey, account: AccountId): boolean {
  if (accountPrefix(account) !== SESSION_ID_PREFIX) return bytesEqual(key, accountKey(account))
  try {
    return accountIdOf(key) === account
  } catch (error) {
    if (error instanceof KeyError) return false
    throw error
  }
}

function invalid(why: string): ClientError {
  return new ClientError('PASS_INVALID', `This pass cannot be used: ${why}`)
}
