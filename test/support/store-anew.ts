import { callNode, type HttpsPlace } from '../../devnet/node-request.ts'
import { HOUR } from '../../src/base/clock.ts'
import { storeRequest } from '../../src/client/index.ts'
import { newAccount } from './people.ts'

/** Stores for an account that nobody has seen before, so that what one account may have does not matter. */
export function storeAnew(node: HttpsPlace, data: Uint8Array, ttlMs = HOUR): ReturnType<typeof callNode> {
  const message = { account: newAccount().id, namespace: 0, data, timestampMs: Date.now(), ttlMs }
  const { method, params } = storeRequest(message, undefined)
  return callNode(node, method, params)
}
