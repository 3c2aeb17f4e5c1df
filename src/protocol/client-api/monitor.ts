import { utf8 } from '../../base/bytes.ts'
import { DAY, SECOND } from '../../base/clock.ts'
import { type Ed25519PublicKey, ed25519PublicKey, PUBLIC_KEY_SIZE } from '../../crypto/keys.ts'
import { SIGNATURE_SIZE } from '../../crypto/signature.ts'
import { ACCOUNT_ID_SIZE, type AccountId, accountIdFromBytes } from '../account.ts'
import { isJsonObject, type JsonObject } from '../json.ts'
import { MONITOR_NAMESPACES_MAX } from '../limits.ts'
import { type MessageHash, parseMessageHash } from '../message.ts'
import { isNamespace, type Namespace } from '../namespace.ts'
import { jsonDictionary, type MonitorDictionary } from './monitor-dictionary.ts'
import { MONITOR_ERROR, type MonitorErrorCode, monitorRefusal } from './monitor-error.ts'
import { invalidRequest } from './parameter.ts'
import { SUBACCOUNT_TOKEN_SIZE } from './subaccount.ts'

// Asking a member of an account's swarm to tell of new messages (docs/protocol/monitor.md). The dictionary is the one that
// Session's clients sign; it comes as bencode or, with the same keys, as JSON.
//
//   request := P key 32 | p account 33, S signature 64, T token 36, d 0|1, n [namespace…], s signature 64, t seconds

/** A signature is good for so long, so that a client that sleeps need not sign each renewal. */
export const MONITOR_AGE_MAX_MS = 14 * DAY
/** How far ahead of our clock it may be signed. */
export const MONITOR_AHEAD_MAX_MS = DAY

export interface MonitorRequest {
  /** A Session id is named by the Ed25519 key that converts to it, any other account by itself. */
  readonly owner: { readonly ed25519: Ed25519PublicKey } | { readonly account: AccountId }
  readonly subaccount?: { readonly token: Uint8Array; readonly signature: Uint8Array }
  readonly wantsData: boolean
  /** Strictly ascending, one at least. */
  readonly namespaces: readonly Namespace[]
  readonly signature: Uint8Array
  /** Unix seconds, other than all other methods' times. */
  readonly timestampS: number
}

/** @throws {ProtocolError} PARAMETER_INVALID, whose `details.errcode` is a MonitorErrorCode */
export function readMonitorRequest(fields: MonitorDictionary): MonitorRequest {
  const owner = readOwner(fields)
  const subaccount = readSubaccount(fields)
  const wantsData = fields.flag('d') ?? false
  const namespaces = readNamespaces(fields.integers('n'))
  const signature = fields.bytes('s', SIGNATURE_SIZE, MONITOR_ERROR.badArguments)
  const timestampS = fields.integer('t')
  if (signature === undefined) throw monitorRefusal(MONITOR_ERROR.badArguments, "Required field 's' missing")
  if (timestampS === undefined) throw monitorRefusal(MONITOR_ERROR.badArguments, "Required field 't' missing")
  return { owner, wantsData, namespaces, signature, timestampS, ...(subaccount !== undefined && { subaccount }) }
}

function readOwner(fields: MonitorDictionary): MonitorRequest['owner'] {
  const key = fields.bytes('P', PUBLIC_KEY_SIZE, MONITOR_ERROR.badAccount)
  const bytes = fields.bytes('p', ACCOUNT_ID_SIZE, MONITOR_ERROR.badAccount)
  if ((key === undefined) === (bytes === undefined)) {
    throw monitorRefusal(MONITOR_ERROR.badAccount, "Exactly one of 'P' and 'p' is required")
  }
  if (key !== undefined) return { ed25519: ed25519PublicKey(key) }
  const account = bytes && accountIdFromBytes(bytes)
  if (account === undefined) throw monitorRefusal(MONITOR_ERROR.badAccount, "Invalid value given for 'p'")
  return { account }
}

function readSubaccount(fields: MonitorDictionary): MonitorRequest['subaccount'] {
  const signature = fields.bytes('S', SIGNATURE_SIZE, MONITOR_ERROR.badAccount)
  const token = fields.bytes('T', SUBACCOUNT_TOKEN_SIZE, MONITOR_ERROR.badAccount)
  if ((token === undefined) !== (signature === undefined)) {
    throw monitorRefusal(MONITOR_ERROR.badAccount, "'S' and 'T' are required together")
  }
  return token && signature && { token, signature }
}

function readNamespaces(given: readonly number[] | undefined): readonly Namespace[] {
  if (given === undefined) throw monitorRefusal(MONITOR_ERROR.badArguments, "Required field 'n' missing")
  const { badNamespaces } = MONITOR_ERROR
  if (given.length === 0) throw monitorRefusal(badNamespaces, 'At least one namespace is required')
  if (given.length > MONITOR_NAMESPACES_MAX) {
    throw monitorRefusal(badNamespaces, `More than ${MONITOR_NAMESPACES_MAX} namespaces`)
  }
  if (!given.every(isNamespace)) throw monitorRefusal(badNamespaces, 'A namespace is out of range')
  const isAscending = given.every((namespace, at) => at === 0 || (given[at - 1] ?? namespace) < namespace)
  if (!isAscending) throw monitorRefusal(badNamespaces, 'Namespaces must be strictly ascending')
  return given
}

/** What the client signs. */
export function monitorSignedText(
  account: AccountId,
  { timestampS, wantsData, namespaces }: Pick<MonitorRequest, 'timestampS' | 'wantsData' | 'namespaces'>,
): Uint8Array {
  return utf8(`MONITOR${account}${timestampS}${wantsData ? 1 : 0}${namespaces.join(',')}`)
}

/** Whether a signature of this moment is taken now. */
export function isMonitorTimestampTaken(timestampS: number, nowMs: number): boolean {
  const timestampMs = timestampS * SECOND
  return timestampMs >= nowMs - MONITOR_AGE_MAX_MS && timestampMs <= nowMs + MONITOR_AHEAD_MAX_MS
}

/** The method `monitor`: wait once, for a moment, for something newer than what the client has. */
export interface MonitorQuery extends MonitorRequest {
  /** The last message of each namespace that the client has from this node. */
  readonly lastHashes: ReadonlyMap<Namespace, MessageHash>
}

export function parseMonitorParams(params: JsonObject): MonitorQuery {
  const request = readMonitorRequest(jsonDictionary(params))
  return { ...request, lastHashes: readLastHashes(params, request.namespaces) }
}

function readLastHashes(params: JsonObject, namespaces: readonly Namespace[]): ReadonlyMap<Namespace, MessageHash> {
  const last = params['last'] ?? {}
  if (!isJsonObject(last)) throw invalidRequest("Invalid value given for 'last': expected object")
  const hashes = new Map<Namespace, MessageHash>()
  for (const namespace of namespaces) {
    const text = last[String(namespace)] ?? ''
    if (text === '') continue
    const hash = typeof text === 'string' ? parseMessageHash(text) : undefined
    if (hash === undefined) throw invalidRequest("Invalid value given for 'last': expected message hashes")
    hashes.set(namespace, hash)
  }
  return hashes
}

export type MonitorQueryAnswer = {
  /** Namespaces that hold something newer, ascending; none when the wait ended without. */
  readonly news: readonly Namespace[]
  /** Set when this node would not wait: ask for messages from time to time instead. */
  readonly busy?: true
}

/** Answer to a subscription. */
export type MonitorAnswer =
  | { readonly success: 1 }
  | { readonly errcode: MonitorErrorCode; readonly error: string; readonly swarm?: JsonObject }

/** A subscription that this node ends, or part of it. */
export interface MonitorEnd {
  readonly account: AccountId
  readonly namespaces: readonly Namespace[]
  readonly errcode: MonitorErrorCode
  readonly error: string
  /** Who keeps the account's messages now: `snodes` and `swarm`, as get_swarm gives them. */
  readonly swarm?: JsonObject
}
