import type { WebSocketLike } from '../transport.ts'

/** The browser's own. It judges the certificate itself. */
export function openWebSocket(url: string): WebSocketLike {
  return new WebSocket(url)
}
