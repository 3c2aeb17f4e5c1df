import { utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { DEFAULT_NAMESPACE, type Namespace } from '../namespace.ts'
import { type Authentication, authenticationFields, requireAuthentication } from './authentication.ts'
import { namespaceOrAllText } from './namespace-or-all.ts'
import { accountField, namespaceOrAllField, required, stringField, timestampField } from './parameter.ts'

/** Delete every message of one namespace, or of all, on every member of the swarm. */
export interface DeleteAllRequest {
  readonly account: AccountId
  readonly namespace: Namespace | 'all'
  readonly timestampMs: TimestampMs
  readonly authentication: Authentication
}

export function parseDeleteAllParams(params: JsonObject): DeleteAllRequest {
  const namespace = namespaceOrAllField(params) ?? DEFAULT_NAMESPACE
  const pubkey = stringField(params, 'pubkey')
  const fields = authenticationFields(params)
  const timestamp = timestampField(params, 'timestamp')

  const account = accountField(pubkey)
  const authentication = requireAuthentication(account, fields)
  return { account, namespace, authentication, timestampMs: required(timestamp, 'timestamp') }
}

/** What the client signs. */
export function deleteAllSignedText(namespace: Namespace | 'all', timestampMs: TimestampMs): Uint8Array {
  return utf8(`delete_all${namespaceOrAllText(namespace)}${timestampMs}`)
}
