import { utf8 } from '../base/bytes.ts'
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

/** Sealed for the client. The path sees a 200 in any case, so nobody on it learns how the request ended. */
export function sealedAnswer(key: LayerKey, reply: OnionReply, format: ReplyFormat = DEFAULT_REPLY_FORMAT): HopAnswer {
  const body = sealOnionReply(key, reply, format)
  if (body.length <= ONION_ANSWER_BODY_MAX_BYTES) return { status: 200, body }
  return { status: 200, body: sealOnionReply(key, replyTooLarge, format) }
}

const replyTooLarge: OnionReply = { status: 500, body: 'Response too large for an onion request' }
export const invalidJson: OnionReply = { status: 400, body: 'Invalid json' }
export const invalidUrl: OnionReply = { status: 400, body: 'Invalid url' }
export const replyTimeOut: OnionReply = { status: 504, body: 'Request time out' }
