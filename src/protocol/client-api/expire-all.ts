import { utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { DEFAULT_NAMESPACE, type Namespace } from '../namespace.ts'
import { type Authentication, authenticationFields, requireAuthentication } from './authentication.ts'
import { namespaceOrAllText } from './namespace-or-all.ts'
import { accountField, namespaceOrAllField, required, stringField, timestampField } from './parameter.ts'

/** Let no message of one namespace, or of all, live longer than to a moment, on every member of the swarm. */
export interface ExpireAllRequest {
  readonly account: AccountId
  readonly namespace: Namespace | 'all'
  readonly expiryMs: TimestampMs
  readonly authentication: Authentication
}

export function parseExpireAllParams(params: JsonObject): ExpireAllRequest {
  const expiry = timestampField(params, 'expiry')
  const namespace = namespaceOrAllField(params) ?? DEFAULT_NAMESPACE
  const pubkey = stringField(params, 'pubkey')
  const fields = authenticationFields(params)

  const account = accountField(pubkey)
  const authentication = requireAuthentication(account, fields)
  return { account, namespace, authentication, expiryMs: required(expiry, 'expiry') }
}

/** What the client signs. */
export function expireAllSignedText(namespace: Namespace | 'all', expiryMs: TimestampMs): Uint8Array {
  return utf8(`expire_all${namespaceOrAllText(namespace)}${expiryMs}`)
}
