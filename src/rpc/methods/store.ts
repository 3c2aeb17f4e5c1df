import {
  parseStoreParams,
  type StoreRequest,
  storeResultSignedText,
  storeSignedText,
} from '../../protocol/client-api/store.ts'
import { SUBACCOUNT_DELETE, SUBACCOUNT_WRITE } from '../../protocol/client-api/subaccount.ts'
import { STORE_CLOCK_TOLERANCE_MS, TTL_MIN_MS, ttlMaxMs } from '../../protocol/limits.ts'
import { hashMessage, type StoreOutcome } from '../../protocol/message.ts'
import { isPublicInbox, isPublicOutbox, TEST_SINK } from '../../protocol/namespace.ts'
import type { Authenticator } from '../authentication.ts'
import { RpcError } from '../errors.ts'
import type { Messages } from '../messages.ts'
import { requireRecent, type StampedCall, type SwarmMethod, travelAllowanceMs } from '../method.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { type NodeIdentity, signResult } from '../node-signer.ts'

export interface StoreComponents {
  readonly authenticator: Authenticator
  readonly identity: NodeIdentity
  readonly messages: Pick<Messages, 'store'>
  readonly monitor: Pick<Monitor, 'announce'>
}

type StoredOutcome = Exclude<StoreOutcome, 'full'>

/** What a result says of each outcome besides hash, signature and expiry. */
const REMARKS = {
  new: {},
  extended: { already: true },
  exists: { already: true },
  obsolete: { obsolete: true },
} as const satisfies Record<StoredOutcome, object>

export function createStoreMethod(components: StoreComponents): SwarmMethod<StoreRequest> {
  const { authenticator, identity, messages, monitor } = components
  return {
    parse: parseStoreParams,
    isOpen: ({ namespace }) => isPublicInbox(namespace),
    check(request, call) {
      if (request.namespace === TEST_SINK) {
        throw new RpcError('NAMESPACE_RESERVED', `store: namespace ${TEST_SINK} is reserved for testing`)
      }
      checkTimes(request, call)
      if (!isPublicInbox(request.namespace)) checkSignature(request, call, authenticator)
    },
    async execute({ account, namespace, timestampMs, expiryMs, data }, call) {
      const hash = hashMessage(account, namespace, data)
      const message = { account, namespace, hash, timestampMs, expiryMs, data }
      const stored = await messages.store(message, call)
      if (stored.outcome === 'full') throw new RpcError('STORAGE_FULL', 'Storage is full')
      if (stored.outcome === 'new') monitor.announce({ ...message, expiryMs: stored.expiryMs })
      const signature = signResult(identity, storeResultSignedText(hash))
      const result = { hash, signature, expiry: stored.expiryMs, ...REMARKS[stored.outcome] }
      // The entry node's own result has carried the time from the beginning.
      return call.entry === 'member' ? result : { ...result, t: call.nowMs }
    },
    // Some clients read the hash at the top, whoever stored the message.
    conclude: (_request, { own }) => (own?.['hash'] === undefined ? {} : { fields: { hash: own['hash'] } }),
  }
}

function checkTimes({ namespace, timestampMs, expiryMs }: StoreRequest, call: StampedCall): void {
  const ttlMs = expiryMs - timestampMs
  if (ttlMs < TTL_MIN_MS || ttlMs > ttlMaxMs(namespace)) {
    throw new RpcError('TTL_OUT_OF_RANGE', 'Provided expiry/TTL is not valid.')
  }
  const toleranceMs = STORE_CLOCK_TOLERANCE_MS + travelAllowanceMs(call)
  if (timestampMs > call.nowMs + toleranceMs || expiryMs < call.nowMs - toleranceMs) {
    throw new RpcError('CLOCK_DIFFERS', 'Timestamp error: check your clock')
  }
}

function checkSignature(request: StoreRequest, call: StampedCall, authenticator: Authenticator): void {
  const { account, authentication, namespace, signedMs } = request
  if (authentication === undefined) {
    throw new RpcError('SIGNATURE_REFUSED', `store: signature required to store to namespace ${namespace}`)
  }
  requireRecent(signedMs, call, 'store signature timestamp too far from current time')
  authenticator.require({
    account,
    authentication,
    stamp: call.stamp,
    signedText: storeSignedText(namespace, signedMs),
    // Storing to a public outbox deletes what was there.
    access: isPublicOutbox(namespace) ? SUBACCOUNT_WRITE | SUBACCOUNT_DELETE : SUBACCOUNT_WRITE,
    refusal: 'store signature verification failed',
  })
}
