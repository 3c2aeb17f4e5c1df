import { utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { DEFAULT_NAMESPACE, type Namespace } from '../namespace.ts'
import { type Authentication, authenticationFields, requireAuthentication } from './authentication.ts'
import { namespaceOrAllText } from './namespace-or-all.ts'
import { accountField, namespaceOrAllField, required, stringField, timestampField } from './parameter.ts'

/** Delete the messages of one namespace, or of all, that are as old as a moment or older, on every member of the swarm. */
export interface DeleteBeforeRequest {
  readonly account: AccountId
  readonly namespace: Namespace | 'all'
  /** Messages with this timestamp go too. */
  readonly beforeMs: TimestampMs
  readonly authentication: Authentication
}

export function parseDeleteBeforeParams(params: JsonObject): DeleteBeforeRequest {
  const before = timestampField(params, 'before')
  const namespace = namespaceOrAllField(params) ?? DEFAULT_NAMESPACE
  const pubkey = stringField(params, 'pubkey')
  const fields = authenticationFields(params)

  const account = accountField(pubkey)
  const authentication = requireAuthentication(account, fields)
  return { account, namespace, authentication, beforeMs: required(before, 'before') }
}

/** What the client signs. It names no time but the bound: whoever keeps it can repeat it, and deletes nothing newer. */
export function deleteBeforeSignedText(namespace: Namespace | 'all', beforeMs: TimestampMs): Uint8Array {
  return utf8(`delete_before${namespaceOrAllText(namespace)}${beforeMs}`)
}
