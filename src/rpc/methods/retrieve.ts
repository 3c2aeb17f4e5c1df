import { toBase64 } from '../../base/bytes.ts'
import {
  parseRetrieveParams,
  type RetrievedMessage,
  type RetrieveRequest,
  retrieveSignedText,
} from '../../protocol/client-api/retrieve.ts'
import { SUBACCOUNT_READ } from '../../protocol/client-api/subaccount.ts'
import type { StoredMessage } from '../../protocol/message.ts'
import { isRetrievedWithoutAuthentication } from '../../protocol/namespace.ts'
import type { Authenticator } from '../authentication.ts'
import type { ByteGate } from '../byte-gate.ts'
import { RpcError } from '../errors.ts'
import type { Messages } from '../messages.ts'
import { type Call, type LocalMethod, requireRecent } from '../method.ts'
import { stamped } from '../network-version.ts'
import type { ServiceNodeDirectory } from '../service-node-directory.ts'

export interface RetrieveComponents {
  readonly authenticator: Authenticator
  readonly directory: Pick<ServiceNodeDirectory, 'wrongSwarm'>
  readonly messages: Pick<Messages, 'retrieve'>
  readonly reading: ByteGate
}

export function createRetrieveMethod(components: RetrieveComponents): LocalMethod<RetrieveRequest> {
  const { authenticator, directory, messages, reading } = components
  return {
    parse: parseRetrieveParams,
    async answer(request, call) {
      const elsewhere = directory.wrongSwarm(request.account, call.nowMs)
      if (elsewhere !== undefined) return elsewhere
      checkSignature(request, call, authenticator)
      const { signed: _, ...query } = request
      const sizeMax = Math.floor(query.sizeMax * call.retrieveShare)
      const body = await reading.use(sizeMax, async () => {
        const found = await messages.retrieve({ ...query, sizeMax })
        call.retrieved.take(bytesOf(found.messages))
        return { messages: found.messages.map(retrievedMessage), more: found.more }
      })
      return { status: 200, body: stamped(body, call.nowMs) }
    },
    retrieveBytes: ({ sizeMax }) => sizeMax,
  }
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
    refusal: 'retrieve signature verification failed',
  })
}

/** What they take as base64, roughly. */
function bytesOf(messages: readonly StoredMessage[]): number {
  return messages.reduce((sum, { data }) => sum + Math.ceil((4 * data.length) / 3), 0)
}

function retrievedMessage({ hash, timestampMs, expiryMs, data }: StoredMessage): RetrievedMessage {
  return { hash, timestamp: timestampMs, expiration: expiryMs, expiry: expiryMs, data: toBase64(data) }
}
