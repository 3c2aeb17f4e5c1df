import { bytesEqual } from '../base/bytes.ts'
import { type Ed25519PublicKey, ed25519PublicKey } from '../crypto/keys.ts'
import { verifySignature } from '../crypto/signature.ts'
import { type AccountId, accountKey, accountPrefix } from '../protocol/account.ts'
import type { Authentication } from '../protocol/client-api/authentication.ts'
import {
  SUBACCOUNT_ANY_PREFIX,
  subaccountAllows,
  subaccountKey,
  subaccountPrefix,
} from '../protocol/client-api/subaccount.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { RpcError } from './errors.ts'
import type { Revocations } from './revocations.ts'
import type { X25519Images } from './x25519-images.ts'

/** A request's signature and what it must prove. */
export interface SignedRequest {
  readonly account: AccountId
  readonly authentication: Authentication
  readonly signedText: Uint8Array
  /** Flags that a subaccount's token must have. */
  readonly access: number
  /** The request's place among all others, when it has one: a subaccount is judged by what was revoked before. */
  readonly stamp?: OperationStamp
  /** Set when a subaccount may do this even after it was revoked. */
  readonly unrevocable?: boolean
  /** What the client is told when it fails, whatever the reason. */
  readonly refusal: string
}

/** Decides whether a request comes from an account's owner, or from a subaccount that may do this. */
export class Authenticator {
  readonly #images: X25519Images
  readonly #revocations: Pick<Revocations, 'isRevoked'>

  constructor({ images, revocations }: { images: X25519Images; revocations: Pick<Revocations, 'isRevoked'> }) {
    this.#images = images
    this.#revocations = revocations
  }

  /** @throws {RpcError} SIGNATURE_REFUSED */
  require(request: SignedRequest): void {
    if (!this.#verifies(request)) throw new RpcError('SIGNATURE_REFUSED', request.refusal)
  }

  #verifies({ account, authentication, signedText, access, stamp, unrevocable = false }: SignedRequest): boolean {
    const owner = this.#ownerKey(account, authentication.ed25519)
    if (owner === undefined) return false
    const { signature, subaccount } = authentication
    if (subaccount === undefined) return verifySignature(signature, signedText, owner)
    return (
      isPrefixAllowed(subaccount.token, account) &&
      subaccountAllows(subaccount.token, access) &&
      verifySignature(subaccount.signature, subaccount.token, owner) &&
      verifySignature(signature, signedText, subaccountKey(subaccount.token)) &&
      // Last, so that only whoever has a valid token makes us look it up.
      (unrevocable || !this.#revocations.isRevoked(account, subaccount.token, stamp))
    )
  }

  /** A Session id is an X25519 key: its owner names the Ed25519 key that converts to it. Other ids are Ed25519 keys. */
  #ownerKey(account: AccountId, named: Ed25519PublicKey | undefined): Ed25519PublicKey | undefined {
    const key = accountKey(account)
    if (named === undefined) return ed25519PublicKey(key)
    const image = this.#images.imageOf(named)
    return image !== undefined && bytesEqual(image, key) ? named : undefined
  }
}

function isPrefixAllowed(token: Uint8Array, account: AccountId): boolean {
  return subaccountPrefix(token) === accountPrefix(account) || subaccountAllows(token, SUBACCOUNT_ANY_PREFIX)
}
