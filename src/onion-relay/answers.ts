import { asBuffer, utf8 } from '../base/bytes.ts'
import type { LayerKey } from '../protocol/onion/encryption.ts'
import { DEFAULT_REPLY_FORMAT, type ReplyFormat } from '../protocol/onion/layer-content.ts'
import { type OnionReply, sealOnionReply } from '../protocol/onion/response.ts'
import { type HopAnswer, ONION_ANSWER_BODY_MAX_BYTES } from '../protocol/peer-api/onion-hop.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'

// Every plain answer to an onion request. Clients compare and parse these texts (docs/protocol/onion-requests.md,
// "Errors on the path"), so they do not change.

function plain(status: number, text: string): HopAnswer {
  return { status, body: utf8(text) }
}

export const invalidCiphertext: HopAnswer = plain(400, 'Invalid ciphertext')
export const hopsExceeded: HopAnswer = plain(400, 'onion request max path length exceeded')
export const serverBusy: HopAnswer = plain(503, 'Server busy, try again later')
export const requestTimeOut: HopAnswer = plain(504, 'Request time out')
export const serverUnreachable: HopAnswer = plain(502, 'Outside server cannot be reached')
export const serverAnswerInvalid: HopAnswer = plain(502, 'Invalid response from outside server')
export const serverTimeOut: HopAnswer = plain(504, 'Outside server did not answer in time')
export const invalidResponse: HopAnswer = plain(500, 'Invalid response from snode')

export function malformedRequest(detail: string): HopAnswer {
  return plain(400, `Error parsing onion request: ${detail}`)
}

export function malformedInternalRequest(detail: string): HopAnswer {
  return plain(400, `Invalid internal onion request: ${detail}`)
}

export function notReady(own: ServiceNodeKey): HopAnswer {
  return plain(503, `Snode not ready: ${own}`)
}

export function nextNotFound(next: ServiceNodeKey): HopAnswer {
  return plain(502, `Next node not found: ${next}`)
}

export function nextUnreachable(next: ServiceNodeKey): HopAnswer {
  return plain(502, `Next node is currently unreachable: ${next}`)
}

/** What a hop answers in clear, as above; other statuses are said only by the HTTPS entry of the first hop. */
const CLEAR_STATUSES: ReadonlySet<number> = new Set([400, 500, 502, 503, 504])
const CLEAR_MAX_BYTES = 1024

/**
 * Whether the next hop can have come by such an answer honestly. Clients judge nodes by what is said in clear, so it must
 * not be what only this node could say, such as that it has too much to do or is not ready: anybody further on could
 * have honest first hops dropped with it, one after another, until the client chooses a bad one.
 */
export function canBeHandedBack({ status, body }: HopAnswer, own: ServiceNodeKey): boolean {
  if (status === 200) return true
  if (!CLEAR_STATUSES.has(status) || body.length > CLEAR_MAX_BYTES) return false
  return !asBuffer(body).toString('latin1').toLowerCase().includes(own)
}

const NODE_KEY = /[0-9a-f]{64}/i

/**
 * What an outside server answers, as it is: only the client can tell what it means. But errors that name service nodes are for
 * nodes to say, as above: a server must not have nodes dropped.
 */
export function serverAnswer({ status, body }: HopAnswer): HopAnswer {
  const head = asBuffer(body).toString('latin1', 0, CLEAR_MAX_BYTES)
  return status !== 200 && NODE_KEY.test(head) ? serverAnswerInvalid : { status, body }
}

/** Sealed for the client. The path sees a 200 in any case, so nobody on it learns how the request ended. */
export function sealedAnswer(key: LayerKey, reply: OnionReply, format: ReplyFormat = DEFAULT_REPLY_FORMAT): HopAnswer {
  const body = sealOnionReply(key, reply, format)
  if (body.length <= ONION_ANSWER_BODY_MAX_BYTES) return { status: 200, body }
  return { status: 200, body: sealOnionReply(key, replyTooLarge, format) }
}

const replyTooLarge: OnionReply = { status: 500, body: 'Response too large for an onion request' }
export const invalidJson: OnionReply = { status: 400, body: 'Invalid json' }
export const invalidUrl: OnionReply = { status: 400, body: 'Invalid url' }
export const serverNotAllowed: OnionReply = { status: 403, body: 'Server not allowed' }
export const replyTimeOut: OnionReply = { status: 504, body: 'Request time out' }
