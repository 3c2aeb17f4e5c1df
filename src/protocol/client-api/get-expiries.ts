import { utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { type Authentication, authenticationFields, requireAuthentication } from './authentication.ts'
import { accountField, hashTexts, required, stringField, stringsField, timestampField } from './parameter.ts'

/** Ask when messages end. */
export interface GetExpiriesRequest {
  readonly account: AccountId
  /** As they came: the syntax of hashes is not enforced here, and an unknown one is simply not in the answer. */
  readonly hashes: readonly string[]
  readonly timestampMs: TimestampMs
  readonly authentication: Authentication
}

export function parseGetExpiriesParams(params: JsonObject): GetExpiriesRequest {
  const messages = stringsField(params, 'messages')
  const pubkey = stringField(params, 'pubkey')
  const fields = authenticationFields(params)
  const timestamp = timestampField(params, 'timestamp')

  const account = accountField(pubkey)
  const authentication = requireAuthentication(account, fields)
  const hashes = hashTexts(messages)
  return { account, authentication, hashes, timestampMs: required(timestamp, 'timestamp') }
}

/** What the client signs. */
export function getExpiriesSignedText(timestampMs: TimestampMs, hashes: readonly string[]): Uint8Array {
  return utf8(`get_expiries${timestampMs}${hashes.join('')}`)
}
