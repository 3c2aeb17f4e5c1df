import type { AccountId } from '../../protocol/account.ts'
import type { Envelope } from '../../protocol/client-api/envelope.ts'
import type { JsonValue } from '../../protocol/json.ts'
import { type BatchResult, readBatchResults } from '../answers.ts'
import type { SwarmCall } from '../swarm-call.ts'

// Requests that the caller writes and signs, and answers as they are. The caller sees to their time.

export function rawCall(account: AccountId, envelope: Envelope): SwarmCall<JsonValue> {
  return { account, prepare: () => ({ envelope, read: ({ body }) => body }) }
}

export function rawBatchCall(
  method: 'batch' | 'sequence',
  account: AccountId,
  requests: readonly Envelope[],
): SwarmCall<readonly BatchResult[]> {
  const params = { requests: requests.map((request) => ({ method: request.method, params: request.params })) }
  return { account, prepare: () => ({ envelope: { method, params }, read: ({ body }) => readBatchResults(body) }) }
}
