import { WebSocket } from 'ws'
import type { WebSocketLike } from './transport.ts'

/** A frame of a member is a few hundred bytes; one that tells of another swarm has some thousands. */
const FRAME_MAX_BYTES = 256 * 1024

/**
 * A WebSocket of Node (browser/web-socket.ts stands for it in a browser). A service node signs its own certificate, and nothing
 * rests on it: what comes over the connection is only taken for a hint.
 */
export function openWebSocket(url: string): WebSocketLike {
  return new WebSocket(url, { rejectUnauthorized: false, maxPayload: FRAME_MAX_BYTES, perMessageDeflate: false })
}
