import { fromBase64 } from '../base/bytes.ts'
import type { AccountId } from '../protocol/account.ts'
import { isJsonObject, isWhole, type JsonValue } from '../protocol/json.ts'
import { hashMessage, type MessageHash, parseMessageHash, type StoredMessage } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import { ClientError } from './errors.ts'

/** What one retrieve brought. */
export interface RetrievedPage {
  /** In the order of the node, which is the order in which it pages. */
  readonly messages: readonly StoredMessage[]
  /** The node holds more: ask it again, after `lastHash`. */
  readonly more: boolean
  readonly lastHash: MessageHash | undefined
  /** Entries whose hash is not that of their data. */
  readonly forged: number
}

/**
 * Reads the answer to a retrieve. The hash of each message is computed anew, so a node cannot pass off other data under
 * it; the timestamps are the storing client's and the node's word.
 * @throws {ClientError} ANSWER_INVALID
 */
export function readRetrievedPage(answer: JsonValue, account: AccountId, namespace: Namespace): RetrievedPage {
  const messages = isJsonObject(answer) ? answer['messages'] : undefined
  if (!isJsonObject(answer) || !Array.isArray(messages)) throw invalid('it has no list of messages')
  const read = messages.map((message: JsonValue) => readMessage(message, account, namespace))
  const genuine = read.filter(({ hash, data }) => hashMessage(account, namespace, data) === hash)
  return {
    messages: genuine,
    more: answer['more'] === true && read.length > 0,
    lastHash: read.at(-1)?.hash,
    forged: read.length - genuine.length,
  }
}

function readMessage(message: JsonValue, account: AccountId, namespace: Namespace): StoredMessage {
  if (!isJsonObject(message)) throw invalid('a message is not an object')
  const { hash: hashText, data: dataText, timestamp } = message
  const expiry = message['expiration'] ?? message['expiry']
  const hash = typeof hashText === 'string' ? parseMessageHash(hashText) : undefined
  const data = typeof dataText === 'string' ? fromBase64(dataText) : undefined
  if (hash === undefined || data === undefined) throw invalid('a message has no hash or no data')
  if (!isWhole(timestamp) || !isWhole(expiry)) throw invalid('a message has no timestamp or no expiry')
  return { account, namespace, hash, data, timestampMs: timestamp, expiryMs: expiry }
}

function invalid(what: string): ClientError {
  return new ClientError('ANSWER_INVALID', `The answer to a retrieve is invalid: ${what}`)
}
