import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { type ClientAnswer, decodeEnvelope } from '../protocol/client-api/envelope.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { StoredMessage } from '../protocol/message.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { AccountLimiter } from './account-limiter.ts'
import { ActiveNodeList } from './active-node-list.ts'
import { Authenticator } from './authentication.ts'
import { ByteGate } from './byte-gate.ts'
import { Dispatcher } from './dispatcher.ts'
import { refusalOf } from './error-response.ts'
import { ForwardedRequests } from './forwarded-requests.ts'
import { answerJsonRpc, type JsonRpcComponents } from './json-rpc.ts'
import { MemberLimiter } from './member-limiter.ts'
import { MemoryBudget } from './memory-budget.ts'
import type { Messages } from './messages.ts'
import type { ClientCall } from './method.ts'
import type { RequestEntry, RpcMetrics } from './metrics.ts'
import { MonitorAuthorization } from './monitor/authorization.ts'
import type { MonitorService } from './monitor/endpoint.ts'
import { Monitor } from './monitor/monitor.ts'
import type { NodeIdentity } from './node-signer.ts'
import type { RpcOptions } from './options.ts'
import type { Revocations } from './revocations.ts'
import { type Contacts, type IsComplete, ServiceNodeDirectory, type SwarmView } from './service-node-directory.ts'
import { ServiceNodeList } from './service-node-list.ts'
import type { SwarmRequestComponents } from './swarm-request.ts'
import { X25519Images } from './x25519-images.ts'

export interface RpcComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: RpcMetrics
  readonly identity: NodeIdentity
  readonly messages: Messages
  readonly revocations: Revocations
  readonly swarm: SwarmView
  readonly contacts: Contacts
  readonly replication: SwarmRequestComponents['replication']
  readonly info: { readonly version: readonly [number, number, number] }
  readonly signReward: JsonRpcComponents['signReward']
  /** Every account is when it is left out. */
  readonly isComplete?: IsComplete
  /** Why this node should not serve clients now; empty when it is ready. */
  readonly readiness: () => readonly string[]
}

/** Answers clients, wherever their request came from, and members that pass requests on. */
export interface RpcHandler {
  /** A body of `POST /storage_rpc/v1`, or the payload of an onion request. A text body is an error text. */
  handleJson(
    body: Uint8Array,
    signal: AbortSignal,
    entry: Exclude<RequestEntry, 'member'>,
    address?: string,
  ): Promise<ClientAnswer>
  /**
   * The payload of an onion request that ends here. It runs to its end even if nobody waits any more: what this node has stored
   * or deleted by then, the other members should hear of.
   */
  handleOnionRpc(payload: Uint8Array): Promise<ClientAnswer>
  /** A request that another member of a swarm passed on; settles with the bytes of the answer, also when it refuses. */
  handleForwarded(from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** A client's request that ended or shortened lives, as another member kept it. */
  carryOut(payload: Uint8Array): Promise<'done' | 'refused' | 'later'>
  /** A message that was not held before is on disk, and no request of this node's clients brought it. */
  announce(message: StoredMessage): void
  /** A body of `POST /json_rpc`. */
  handleJsonRpc(body: Uint8Array): Promise<JsonObject>
  /** Subscriptions to new messages, for the server that opens connections for them. */
  readonly monitor: MonitorService
}

const neverAborted = new AbortController().signal

export function createRpcHandler(components: RpcComponents, options: RpcOptions): RpcHandler {
  const { clock, readiness } = components
  const images = new X25519Images(options.conversionsMax)
  const serviceNodes = new ServiceNodeList({ ...components, images }, options)
  const accounts = new AccountLimiter(components, options)
  const directory = new ServiceNodeDirectory({ ...components, images })
  const authenticator = new Authenticator({ images, revocations: components.revocations })
  const authorization = new MonitorAuthorization({ authenticator, images })
  const monitor = new Monitor(
    { ...components, metrics: components.metrics.monitor, accounts, authorization, directory },
    options.monitor,
  )
  const methods = {
    ...components,
    accounts,
    authenticator,
    authorization,
    directory,
    monitor,
    serviceNodes,
    activeNodes: new ActiveNodeList({ ...components, images }),
    reading: new ByteGate(options.readingMaxBytes),
  }
  const retrievedBudget = new MemoryBudget(options.retrievedMaxBytes)
  const dispatcher = new Dispatcher(methods)
  const forwarded = new ForwardedRequests({ ...methods, members: new MemberLimiter(components, options) }, dispatcher)

  const handleJson: RpcHandler['handleJson'] = async (body, signal, entry, address) => {
    const notReady = readiness()
    if (notReady.length > 0) {
      components.metrics.rejected.inc({ reason: 'not_ready' })
      return { status: 503, body: notReadyText(entry, notReady) }
    }
    const nowMs = clock.nowMs()
    using retrieved = retrievedBudget.open()
    try {
      const call: ClientCall = { address, entry, nowMs, receivedMs: nowMs, signal, retrieved, retrieveShare: 1 }
      const answer = await dispatcher.answer(decodeEnvelope(body), call)
      components.log.trace({ entry, status: answer.status, bytes: body.length }, 'A request was answered')
      return answer
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      components.metrics.requests.inc({ method: 'unknown', entry, status: '4xx' })
      components.log.trace({ entry, status: refusal.status, bytes: body.length }, 'A request was refused unread')
      return refusal
    }
  }

  return {
    handleJson,
    monitor,
    handleOnionRpc: (payload) => handleJson(payload, neverAborted, 'onion'),
    handleForwarded: (from, payload, signal) => forwarded.answer(from, payload, signal),
    carryOut: (payload) => forwarded.carryOut(payload),
    announce: (message) => monitor.announce(message),
    handleJsonRpc: (body) => answerJsonRpc(body, { ...components, serviceNodes }),
  }
}

/** Through an onion, the sender learns that this node is not ready, but not why. */
function notReadyText(entry: RequestEntry, reasons: readonly string[]): string {
  return entry === 'onion' ? 'Snode not ready' : `Service node is not ready: ${reasons.join('; ')}\n`
}
