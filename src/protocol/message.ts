import { concat, toBase64Unpadded, utf8 } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { blake2b256 } from '../crypto/hash.ts'
import { type AccountId, accountIdBytes } from './account.ts'
import { type Namespace, namespaceText } from './namespace.ts'

/** A message's id: 43 characters, the unpadded standard base64 of 32 bytes. */
export type MessageHash = string & { readonly kind: 'MessageHash' }

/** A message that a swarm holds for an account until its expiry. */
export interface StoredMessage {
  account: AccountId
  namespace: Namespace
  hash: MessageHash
  /** What the client said, not when it arrived. */
  timestampMs: TimestampMs
  expiryMs: TimestampMs
  data: Uint8Array
}

/** Every way that a store request can end. None is an error: each has its own response. */
export type StoreOutcome =
  | 'new'
  /** The message was held already, and its expiry moved later. */
  | 'extended'
  /** The message was held already, with this expiry or a later one. */
  | 'exists'
  /** A public outbox holds a message with a newer timestamp. */
  | 'obsolete'
  /** The disk or the account's share of it is full. */
  | 'full'

/** 43 base64 digits, or undefined. Any 43 are taken: non-zero trailing bits are the clients' dialect. */
export function parseMessageHash(text: string): MessageHash | undefined {
  return /^[A-Za-z0-9+/]{43}$/.test(text) ? (text as MessageHash) : undefined
}

/** What was hashed last before its data: when members hand over thousands of messages, those of one account come together. */
let lastHead: { account: AccountId; namespace: Namespace; bytes: Uint8Array } | undefined

/** BLAKE2b-256 over prefix | key | namespace text | data. Timestamp and expiry are not part of it. */
export function hashMessage(account: AccountId, namespace: Namespace, data: Uint8Array): MessageHash {
  if (lastHead?.account !== account || lastHead.namespace !== namespace) {
    const bytes = concat(accountIdBytes(account), utf8(namespaceText(namespace)))
    lastHead = { account, namespace, bytes }
  }
  return toBase64Unpadded(blake2b256(lastHead.bytes, data)) as MessageHash
}

/** ASCII order, as signatures over lists of hashes need it. */
export function compareHashes(a: MessageHash, b: MessageHash): number {
  return a < b ? -1 : a > b ? 1 : 0
}
