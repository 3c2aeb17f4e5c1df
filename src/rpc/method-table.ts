import type { Clock } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ClientAnswer, Envelope } from '../protocol/client-api/envelope.ts'
import type { MethodName } from '../protocol/client-api/methods.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { AccountLimiter, AccountUser } from './account-limiter.ts'
import type { ActiveNodeList } from './active-node-list.ts'
import type { Authenticator } from './authentication.ts'
import type { ByteGate } from './byte-gate.ts'
import type { Messages } from './messages.ts'
import type { ClientCall, LocalMethod, StampedCall, SwarmCall, SwarmMethod } from './method.ts'
import { createActiveNodesBinMethod } from './methods/active-nodes-bin.ts'
import { createBatchMethod, type PreparedSubrequest } from './methods/batch.ts'
import { createDeleteMethod } from './methods/delete.ts'
import { createDeleteAllMethod } from './methods/delete-all.ts'
import { createDeleteBeforeMethod } from './methods/delete-before.ts'
import { createExpireMethod } from './methods/expire.ts'
import { createExpireAllMethod } from './methods/expire-all.ts'
import { createGetExpiriesMethod } from './methods/get-expiries.ts'
import { createGetSwarmMethod } from './methods/get-swarm.ts'
import { createIfElseMethod } from './methods/if-else.ts'
import { createInfoMethod } from './methods/info.ts'
import { createMonitorMethod } from './methods/monitor.ts'
import { createOxendRequestMethod } from './methods/oxend-request.ts'
import { createRetrieveMethod } from './methods/retrieve.ts'
import { createRevokeSubaccountMethod } from './methods/revoke-subaccount.ts'
import { createRevokedSubaccountsMethod } from './methods/revoked-subaccounts.ts'
import { createSequenceMethod } from './methods/sequence.ts'
import { createStoreMethod } from './methods/store.ts'
import { createUnrevokeSubaccountMethod } from './methods/unrevoke-subaccount.ts'
import type { MonitorAuthorization } from './monitor/authorization.ts'
import type { Monitor } from './monitor/monitor.ts'
import type { NodeIdentity } from './node-signer.ts'
import type { Revocations } from './revocations.ts'
import type { ServiceNodeDirectory, SwarmView } from './service-node-directory.ts'
import type { ServiceNodeList } from './service-node-list.ts'
import { runOnSwarm, type SwarmRequestComponents } from './swarm-request.ts'

export interface MethodComponents extends SwarmRequestComponents {
  readonly accounts: AccountLimiter
  readonly activeNodes: ActiveNodeList
  readonly authenticator: Authenticator
  readonly directory: ServiceNodeDirectory
  readonly identity: NodeIdentity
  readonly info: { readonly version: readonly [number, number, number] }
  readonly authorization: MonitorAuthorization
  readonly clock: Clock
  readonly messages: Messages
  readonly monitor: Monitor
  readonly reading: ByteGate
  readonly revocations: Revocations
  readonly serviceNodes: ServiceNodeList
  readonly swarm: Pick<SwarmView, 'epoch'>
}

/** Reads requests that are part of others. */
export interface PartReaders {
  /** One of a batch or sequence. */
  readonly subrequest: (request: Envelope) => PreparedSubrequest
  /** One of an ifelse, which may itself be made of others. */
  readonly branch: (request: Envelope) => PreparedSubrequest
}

/** A method of the table, whatever its request is like. */
export interface BoundMethod {
  /** `meta`: made of other requests, and not for batches. `waiting`: may take long, and so is no part of any other. */
  readonly kind: 'local' | 'swarm' | 'meta' | 'waiting'
  /** @throws {ProtocolError} when the parameters are refused */
  prepare(params: JsonObject): PreparedRequest
}

/** A request whose parameters are read. */
export interface PreparedRequest {
  /** @throws {RpcError} when it is refused */
  answer(call: ClientCall): Promise<ClientAnswer>
  /** Bytes of messages that the answer may hold. */
  readonly retrieveBytes: number
  /** How another member's request is carried out here; only methods that run on a whole swarm have it. */
  readonly forwarded?: ForwardedWork
}

export interface ForwardedWork {
  readonly account: AccountId
  /** Whether anybody may do it: no signature of the account says that a client asked for it. */
  readonly isOpen: boolean
  /** @throws {RpcError} when it is refused */
  check(call: StampedCall): void
  execute(call: SwarmCall): Promise<JsonObject>
}

/** Every method by its name: a method without a line here does not compile. */
export function createMethodTable(components: MethodComponents, read: PartReaders): Record<MethodName, BoundMethod> {
  const onSwarm = <Request extends AccountUser>(name: MethodName, method: SwarmMethod<Request>) =>
    bindToSwarm(components, name, method)
  return {
    active_nodes_bin: bind(createActiveNodesBinMethod(components)),
    batch: { ...bind(createBatchMethod({ prepare: read.subrequest })), kind: 'meta' },
    delete: onSwarm('delete', createDeleteMethod(components)),
    delete_all: onSwarm('delete_all', createDeleteAllMethod(components)),
    delete_before: onSwarm('delete_before', createDeleteBeforeMethod(components)),
    expire: onSwarm('expire', createExpireMethod(components)),
    expire_all: onSwarm('expire_all', createExpireAllMethod(components)),
    get_expiries: bind(createGetExpiriesMethod(components)),
    get_swarm: bind(createGetSwarmMethod(components)),
    ifelse: { ...bind(createIfElseMethod({ ...components, prepare: read.branch })), kind: 'meta' },
    info: bind(createInfoMethod(components)),
    monitor: { ...bind(createMonitorMethod(components)), kind: 'waiting' },
    oxend_request: bind(createOxendRequestMethod(components)),
    retrieve: bind(createRetrieveMethod(components)),
    revoke_subaccount: onSwarm('revoke_subaccount', createRevokeSubaccountMethod(components)),
    revoked_subaccounts: bind(createRevokedSubaccountsMethod(components)),
    sequence: { ...bind(createSequenceMethod({ prepare: read.subrequest })), kind: 'meta' },
    store: onSwarm('store', createStoreMethod(components)),
    unrevoke_subaccount: onSwarm('unrevoke_subaccount', createUnrevokeSubaccountMethod(components)),
  }
}

function bind<Request>(method: LocalMethod<Request>): BoundMethod {
  return {
    kind: 'local',
    prepare(params) {
      const request = method.parse(params)
      return {
        answer: async (call) => method.answer(request, call),
        retrieveBytes: method.retrieveBytes?.(request) ?? 0,
      }
    },
  }
}

function bindToSwarm<Request extends AccountUser>(
  components: MethodComponents,
  name: MethodName,
  method: SwarmMethod<Request>,
): BoundMethod {
  return {
    kind: 'swarm',
    prepare(params) {
      const request = method.parse(params)
      return {
        answer: (call) => runOnSwarm(components, { name, method, request, params }, call),
        retrieveBytes: 0,
        forwarded: {
          account: request.account,
          isOpen: method.isOpen?.(request) ?? false,
          check: (call) => method.check(request, call),
          execute: (call) => method.execute(request, call),
        },
      }
    },
  }
}
