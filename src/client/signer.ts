import { fromHex, toBase64, toHex } from '../base/bytes.ts'
import { type Ed25519KeyPair, type Ed25519PublicKey, ed25519PublicKey, PUBLIC_KEY_SIZE } from '../crypto/keys.ts'
import { sign } from '../crypto/signature.ts'
import { type AccountId, accountPrefix, SESSION_ID_PREFIX } from '../protocol/account.ts'
import type { JsonObject } from '../protocol/json.ts'

/**
 * What an owner gives to somebody who may act on the account: which is what, and that the owner says so. All text, so that
 * it can be written as JSON and sent; whoever has it and the secret key of its token can act with it.
 */
export interface SubaccountPass {
  readonly account: AccountId
  /** The owner's Ed25519 key, 64 hex digits. */
  readonly ownerKey: string
  /** Base64 of 36 bytes: for which account ids, what it allows, and the member's Ed25519 key. */
  readonly token: string
  /** Base64 of the owner's signature over the token's bytes. */
  readonly signature: string
}

/** Who signs requests for an account: its owner, or somebody with a pass. An Account is one. */
export interface Signer {
  /** The account that is acted on. */
  readonly id: AccountId
  /** Signs requests. Of an owner it is the account's own key, else that of the pass's token. */
  readonly ed25519: Ed25519KeyPair
  readonly pass?: SubaccountPass
}

/** Signs with the account's own key. Only owners revoke. */
export interface Owner extends Signer {
  readonly pass?: never
}

/** Signs with the key of a pass. */
export interface Member extends Signer {
  readonly pass: SubaccountPass
}

/** The fields that prove a request: a signature over `text`, and what a node needs to believe its key. */
export function signatureFields({ id, ed25519, pass }: Signer, text: Uint8Array): JsonObject {
  return {
    // The key of a Session id is X25519, so nodes are told the Ed25519 key behind it. Other ids are Ed25519 keys themselves.
    ...(accountPrefix(id) === SESSION_ID_PREFIX && { pubkey_ed25519: pass?.ownerKey ?? toHex(ed25519.publicKey) }),
    ...(pass !== undefined && { subaccount: pass.token, subaccount_sig: pass.signature }),
    signature: toBase64(sign(text, ed25519.secretKey)),
  }
}

/** The owner's key of a pass, or undefined when it is no key. */
export function ownerKeyOf({ ownerKey }: SubaccountPass): Ed25519PublicKey | undefined {
  const bytes = fromHex(ownerKey)
  return bytes?.length === PUBLIC_KEY_SIZE ? ed25519PublicKey(bytes) : undefined
}
