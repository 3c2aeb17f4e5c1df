import { toBase64 } from '../../base/bytes.ts'
import type { ClientAnswer } from '../../protocol/client-api/envelope.ts'
import {
  parseRetrieveParams,
  type RetrievedMessage,
  type RetrieveRequest,
  retrieveSignedText,
} from '../../protocol/client-api/retrieve.ts'
import { SUBACCOUNT_READ } from '../../protocol/client-api/subaccount.ts'
import type { StoredMessage } from '../../protocol/message.ts'
import { isRetrievedWithoutAuthentication, isUnrevocable, TEST_SINK } from '../../protocol/namespace.ts'
import type { AccountLimiter } from '../account-limiter.ts'
import type { Authenticator } from '../authentication.ts'
import type { ByteGate } from '../byte-gate.ts'
import { RpcError } from '../errors.ts'
import type { Messages } from '../messages.ts'
import { type Call, clientOf, type LocalMethod, requireRecent } from '../method.ts'
import { stamped } from '../network-version.ts'
import type { ServiceNodeDirectory } from '../service-node-directory.ts'

export interface RetrieveComponents {
  readonly accounts: AccountLimiter
  readonly authenticator: Authenticator
  readonly directory: Pick<ServiceNodeDirectory, 'unreadable'>
  readonly messages: Pick<Messages, 'retrieve'>
  readonly reading: ByteGate
}

export function createRetrieveMethod(components: RetrieveComponents): LocalMethod<RetrieveRequest> {
  const { accounts, authenticator, directory, messages, reading } = components
  return {
    parse: parseRetrieveParams,
    async answer(request, call) {
      const unreadable = directory.unreadable(request.account, call.nowMs)
      if (unreadable !== undefined) return unreadable
      if (request.namespace === TEST_SINK) return nothing(call)
      checkSignature(request, call, authenticator)
      const use = request.signed === undefined ? 'openReads' : 'reads'
      const user = { account: request.account, authentication: request.signed?.authentication }
      accounts.take(use, user)
      const { signed: _, ...query } = request
      const sizeMax = Math.floor(query.sizeMax * call.retrieveShare)
      const body = await reading.use(clientOf(call, request.account), sizeMax, async () => {
        const found = await messages.retrieve({ ...query, sizeMax })
        const fitting = thatFit(found.messages, sizeMax)
        call.retrieved.take(bytesOf(fitting))
        accounts.chargeBytes(use, user, bytesOf(fitting))
        return { messages: fitting.map(retrievedMessage), more: found.more || fitting.length < found.messages.length }
      })
      return { status: 200, body: stamped(body, call.nowMs) }
    },
    retrieveBytes: ({ namespace, sizeMax }) => (namespace === TEST_SINK ? 0 : sizeMax),
  }
}

function nothing({ nowMs }: Call): ClientAnswer {
  return { status: 200, body: stamped({ messages: [], more: false }, nowMs) }
}

function checkSignature(
  { account, namespace, signed }: RetrieveRequest,
  call: Call,
  authenticator: Authenticator,
): void {
  if (signed === undefined) {
    if (isRetrievedWithoutAuthentication(namespace)) return
    throw new RpcError('SIGNATURE_REFUSED', 'retrieve: request signature required')
  }
  requireRecent(signed.timestampMs, call, 'retrieve timestamp too far from current time')
  authenticator.require({
    account,
    authentication: signed.authentication,
    signedText: retrieveSignedText(namespace, signed.timestampMs),
    access: SUBACCOUNT_READ,
    unrevocable: isUnrevocable(namespace),
    refusal: 'retrieve signature verification failed',
  })
}

/** JSON of a message without its data, as part of a JSON string: the reply to an onion request quotes all of it once more. */
const MESSAGE_OVERHEAD_BYTES = 155

/**
 * The first messages, one at least, whose JSON fits. The store counts as clients do, which is 15 bytes less; with a full mailbox
 * of short messages, the reply to an onion request would be larger than hops carry.
 */
function thatFit(messages: readonly StoredMessage[], sizeMax: number): readonly StoredMessage[] {
  let bytes = 0
  const end = messages.findIndex(({ data }, at) => {
    bytes += MESSAGE_OVERHEAD_BYTES + base64Size(data)
    return bytes > sizeMax && at > 0
  })
  return end === -1 ? messages : messages.slice(0, end)
}

function bytesOf(messages: readonly StoredMessage[]): number {
  return messages.reduce((sum, { data }) => sum + base64Size(data), 0)
}

function base64Size({ length }: Uint8Array): number {
  return 4 * Math.ceil(length / 3)
}

function retrievedMessage({ hash, timestampMs, expiryMs, data }: StoredMessage): RetrievedMessage {
  return { hash, timestamp: timestampMs, expiration: expiryMs, expiry: expiryMs, data: toBase64(data) }
}
