import type { DurationMs } from '../base/clock.ts'

export interface TransportResponse {
  readonly status: number
  readonly body: Uint8Array
  /** Text of the header Retry-After. */
  readonly retryAfter?: string | undefined
}

export interface PostOptions {
  readonly timeoutMs: DurationMs
  /** A response with more bytes fails with TOO_LARGE. */
  readonly responseMaxBytes: number
  /** `verified`: signed by an authority that this machine trusts, for this name. `any`: any certificate will do. */
  readonly certificate: Certificate
  readonly signal?: AbortSignal | undefined
}

export type Certificate = 'verified' | 'any'

/** How requests leave this machine. */
export interface Transport extends AsyncDisposable {
  /**
   * Sends `body` and waits for the whole response, whatever its status. Follows no redirects.
   * @throws {ClientError} TRANSPORT_FAILED, TRANSPORT_TIMEOUT, CONNECTION_CLOSED, CERTIFICATE_UNTRUSTED, OFFLINE,
   * TOO_LARGE; the signal's reason
   */
  post(url: string, body: Uint8Array, options: PostOptions): Promise<TransportResponse>
  /** Connects at once, with any certificate where that can be had. Left out where there is none: nothing is connected to directly then. */
  openWebSocket?(url: string): WebSocketLike
}

/** As much of a browser's WebSocket as is used. */
export interface WebSocketLike {
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  send(text: string): void
  close(): void
}
