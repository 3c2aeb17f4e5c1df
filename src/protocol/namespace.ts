/** A signed 16-bit partition of an account's messages. */
export type Namespace = number

export const NAMESPACE_MIN: Namespace = -32768
export const NAMESPACE_MAX: Namespace = 32767
/** Where direct messages arrive. */
export const DEFAULT_NAMESPACE: Namespace = 0

/**
 * Takes nothing and holds nothing: clients probe with a retrieve whether a node answers and still serves their account. By
 * its number it would be a public outbox, so look for it first.
 */
export const TEST_SINK: Namespace = -3741

const LEGACY_CLOSED_GROUP: Namespace = -10

export function isNamespace(value: number): value is Namespace {
  return Number.isInteger(value) && value >= NAMESPACE_MIN && value <= NAMESPACE_MAX
}

/** Anyone may store without a signature. */
export function isPublicInbox(namespace: Namespace): boolean {
  return namespace % 10 === 0
}

/** Only the owner stores, anyone retrieves, and only the newest message is kept: -1, -21, -41, … */
export function isPublicOutbox(namespace: Namespace): boolean {
  return namespace < 0 && -namespace % 20 === 1
}

/** Messages may be retrieved without a signature. */
export function isRetrievedWithoutAuthentication(namespace: Namespace): boolean {
  return namespace === LEGACY_CLOSED_GROUP || isPublicOutbox(namespace)
}

/** What a revoked subaccount may still retrieve, such as why it was revoked: -11, -111, … */
export function isUnrevocable(namespace: Namespace): boolean {
  return namespace < 0 && -namespace % 100 === 11
}

/** How a namespace is written in signed text and hashed bytes: namespace 0 contributes nothing. */
export function namespaceText(namespace: Namespace): string {
  return namespace === DEFAULT_NAMESPACE ? '' : String(namespace)
}
