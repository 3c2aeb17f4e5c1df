/** The longest target that a client may name; those that clients use have some 20 characters. */
const TARGET_MAX_CHARS = 256

/**
 * Session's rule: `/loki/` or `/oxen/` at the beginning, `/lsrpc` at the end, no query. In between, plain segments only: whatever a
 * server could take for another path, or for the end of the request line, is refused.
 */
const TARGET = /^\/(?:loki|oxen)(?:\/(?!\.{1,2}\/)[\w.~-]+)*\/lsrpc$/

export type ServerProtocol = 'http' | 'https'

/** Which servers speak onion requests follows from the path, so nothing else can be asked of a server. */
export function isTargetAllowed(target: string): boolean {
  return target.length <= TARGET_MAX_CHARS && TARGET.test(target)
}

export function isServerProtocol(protocol: string): protocol is ServerProtocol {
  return protocol === 'http' || protocol === 'https'
}
