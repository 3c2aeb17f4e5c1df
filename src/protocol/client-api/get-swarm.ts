import { type AccountId, parseAccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { aliasedStringField, invalidRequest, required } from './parameter.ts'

/** Ask which nodes keep an account's messages. Any node answers for any account. */
export interface GetSwarmRequest {
  readonly account: AccountId
}

export function parseGetSwarmParams(params: JsonObject): GetSwarmRequest {
  const account = parseAccountId(required(aliasedStringField(params, 'pubkey', 'pubKey'), 'pubkey'))
  if (account === undefined) throw invalidRequest('Pubkey must be 66 hex digits/33 bytes long')
  return { account }
}

/** A service node as swarm answers name it. */
export type SwarmNode = {
  readonly address: string
  readonly pubkey_legacy: string
  readonly pubkey_x25519: string
  readonly pubkey_ed25519: string
  readonly ip: string
  /** The HTTPS port as text, for old clients. */
  readonly port: string
  readonly port_https: number
  readonly port_omq: number
  readonly port_quic: number
}

/** Also the body of status 421, so that clients can repair what they remember. */
export type GetSwarmAnswer = {
  readonly snodes: readonly SwarmNode[]
  /** Hex without leading zeros. */
  readonly swarm: string
}
