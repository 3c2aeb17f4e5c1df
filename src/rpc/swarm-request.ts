import type { Logger } from '../base/logger.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ClientAnswer } from '../protocol/client-api/envelope.ts'
import type { MethodName } from '../protocol/client-api/methods.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { isJsonObject, type JsonObject } from '../protocol/json.ts'
import {
  decodeForwardedAnswer,
  encodeForwardedRequest,
  type ForwardedAnswer,
} from '../protocol/peer-api/forwarded-request.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { AccountLimiter, AccountUser } from './account-limiter.ts'
import { refusalOf, reportFailure } from './error-response.ts'
import type { Messages } from './messages.ts'
import type { Call, StampedCall, SwarmMethod } from './method.ts'
import type { RpcMetrics } from './metrics.ts'
import { stamped } from './network-version.ts'
import type { NodeIdentity } from './node-signer.ts'
import type { Contacts, ServiceNodeDirectory } from './service-node-directory.ts'

/** How passing a request to one member ended. */
export type ForwardOutcome =
  | { readonly kind: 'answered'; readonly payload: Uint8Array }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable' }

export interface SwarmRequestComponents {
  readonly accounts: Pick<AccountLimiter, 'take' | 'charge'>
  readonly log: Logger
  readonly metrics: RpcMetrics
  readonly identity: Pick<NodeIdentity, 'key'>
  readonly messages: Pick<Messages, 'stamps'>
  readonly directory: Pick<ServiceNodeDirectory, 'wrongSwarm'>
  readonly contacts: Contacts
  /** Passes the request to every other member. Never rejects, and has a deadline of its own. */
  readonly replication: {
    forward(
      account: AccountId,
      payload: Uint8Array,
      signal?: AbortSignal,
    ): Promise<ReadonlyMap<ServiceNodeKey, ForwardOutcome>>
  }
}

/** A request for a whole swarm whose parameters are read. */
export interface SwarmRequest<Request extends AccountUser> {
  readonly name: MethodName
  readonly method: SwarmMethod<Request>
  readonly request: Request
  /** As they came: each member reads and checks them itself. */
  readonly params: JsonObject
}

/**
 * Runs a request here and on the other members at once, and answers with each member's own result.
 * @throws {RpcError} when the request is refused before it runs anywhere
 */
export async function runOnSwarm<Request extends AccountUser>(
  components: SwarmRequestComponents,
  { name, method, request, params }: SwarmRequest<Request>,
  received: Call,
): Promise<ClientAnswer> {
  const elsewhere = components.directory.wrongSwarm(request.account, received.nowMs)
  if (elsewhere !== undefined) return elsewhere
  const call: StampedCall = { ...received, stamp: components.messages.stamps.next() }
  method.check(request, call)
  const use = method.isOpen?.(request) ? 'openWrites' : 'writes'
  components.accounts.take(use, request)
  components.accounts.charge(use, request, (method.cost?.(request) ?? 1) - 1)

  // A node that cannot look lets the request take its usual way, and says there what is wrong.
  const spared = await method.spare?.(request, call).catch(() => undefined)
  if (spared !== undefined) {
    components.metrics.spared.inc({ method: name })
    return { status: 200, body: stamped({ swarm: { [components.identity.key]: spared } }, call.nowMs) }
  }

  const { receivedMs, stamp } = call
  const payload = encodeForwardedRequest({ method: name, params, receivedMs, stamp })
  const [own, forwarded] = await Promise.all([
    executeHere(components, () => method.execute(request, { ...call, request: payload })),
    components.replication.forward(request.account, payload, call.signal),
  ])

  const members = memberResults(components.contacts, forwarded)
  const swarm = { [components.identity.key]: own.result, ...Object.fromEntries(members) }
  const all = Object.values(swarm)
  const hasSucceeded = all.some((result) => result['failed'] !== true)
  const conclusion = method.conclude?.(request, { own: own.succeeded ? own.result : undefined, all }) ?? {}
  return {
    status: hasSucceeded ? (conclusion.status ?? 200) : own.status,
    body: stamped({ ...conclusion.fields, swarm }, call.nowMs),
  }
}

interface OwnOutcome {
  readonly succeeded: boolean
  readonly result: JsonObject
  /** Of the whole answer, should every member have failed. */
  readonly status: number
}

async function executeHere(
  components: SwarmRequestComponents,
  execute: () => Promise<JsonObject>,
): Promise<OwnOutcome> {
  try {
    return { succeeded: true, result: await execute(), status: 200 }
  } catch (error) {
    const failure = { failed: true, query_failure: true }
    const refusal = refusalOf(error)
    if (refusal === undefined) {
      return { succeeded: false, result: failure, status: reportFailure(components, error).status }
    }
    // Clients expect 500. A full disk or a busy one is told apart: what to do about it differs.
    const status = Math.max(refusal.status, 500)
    return { succeeded: false, result: { ...failure, reason: refusal.body }, status }
  }
}

/** Members that nobody knows how to reach are left out: a client could do nothing about them. */
function memberResults(
  contacts: Contacts,
  forwarded: ReadonlyMap<ServiceNodeKey, ForwardOutcome>,
): [ServiceNodeKey, JsonObject][] {
  return [...forwarded]
    .filter(([key, { kind }]) => kind === 'answered' || contacts.contact(key) !== undefined)
    .map(([key, outcome]) => [key, memberResult(outcome)])
}

function memberResult(outcome: ForwardOutcome): JsonObject {
  switch (outcome.kind) {
    case 'answered':
      return answeredResult(outcome.payload)
    case 'timeout':
      return { failed: true, timeout: true }
    case 'unreachable':
      return { failed: true, reason: 'Service node is currently unreachable' }
  }
}

function answeredResult(payload: Uint8Array): JsonObject {
  const answer = decodedAnswer(payload)
  if (answer === undefined) return { failed: true, bad_peer_response: true }
  const { status, body } = answer
  if (status === 200) return isJsonObject(body) ? body : { failed: true, bad_peer_response: true }
  return { failed: true, code: String(status), ...(typeof body === 'string' && { reason: body }) }
}

function decodedAnswer(payload: Uint8Array): ForwardedAnswer | undefined {
  try {
    return decodeForwardedAnswer(payload)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
