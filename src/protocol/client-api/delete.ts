import { utf8 } from '../../base/bytes.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import type { MessageHash } from '../message.ts'
import { type Authentication, authenticationFields, requireAuthentication } from './authentication.ts'
import { accountField, booleanField, messageHashes, stringField, stringsField } from './parameter.ts'

/** Delete the messages with these hashes on every member of the swarm. */
export interface DeleteRequest {
  readonly account: AccountId
  readonly hashes: readonly MessageHash[]
  /** Answer 404 when no node held any of them. */
  readonly required: boolean
  readonly authentication: Authentication
}

export function parseDeleteParams(params: JsonObject): DeleteRequest {
  const messages = stringsField(params, 'messages')
  const pubkey = stringField(params, 'pubkey')
  const fields = authenticationFields(params)
  const required = booleanField(params, 'required') ?? false

  const account = accountField(pubkey)
  const authentication = requireAuthentication(account, fields)
  return { account, authentication, hashes: messageHashes(messages), required }
}

/** What the client signs. It names no time: whoever keeps it can repeat it. */
export function deleteSignedText(hashes: readonly MessageHash[]): Uint8Array {
  return utf8(`delete${hashes.join('')}`)
}

/** What each node signs: hashes as requested, then those it deleted, sorted. */
export function deleteResultSignedText(
  account: AccountId,
  requested: readonly MessageHash[],
  deleted: readonly MessageHash[],
): Uint8Array {
  return utf8(`${account}${requested.join('')}${deleted.join('')}`)
}
