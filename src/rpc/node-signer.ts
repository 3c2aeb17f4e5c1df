import { toBase64 } from '../base/bytes.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'

/** This node's key, as far as clients' requests need it. */
export interface NodeIdentity {
  readonly key: ServiceNodeKey
  /** Ed25519 by the node's key, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array
}

/** The base64 signature of a result. */
export function signResult(identity: NodeIdentity, text: Uint8Array): string {
  return toBase64(identity.sign(text))
}
