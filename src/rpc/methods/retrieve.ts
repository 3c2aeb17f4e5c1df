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
import { RpcError } from '../errors.ts'
import type { Messages } from '../messages.ts'
import { type Call, type LocalMethod, requireRecent } from '../method.ts'
import { stamped } from '../network-version.ts'
import type { ServiceNodeDirectory } from '../service-node-directory.ts'

export interface RetrieveComponents {
  readonly authenticator: Authenticator
  readonly directory: Pick<ServiceNodeDirectory, 'wrongSwarm'>
  readonly messages: Pick<Messages, 'retrieve'>
}

export function createRetrieveMethod(components: RetrieveComponents): LocalMethod<RetrieveRequest> {
  const { authenticator, directory, messages } = components
  return {
    parse: parseRetrieveParams,
    async answer(request, call) {
      const elsewhere = directory.wrongSwarm(request.account, call.nowMs)
      if (elsewhere !== undefined) return elsewhere
      checkSignature(request, call, authenticator)
      const { signed: _, ...query } = request
      const found = await messages.retrieve(query)
      const body = { messages: found.messages.map(retrievedMessage), more: found.more }
      return { status: 200, body: stamped(body, call.nowMs) }
    },
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

function retrievedMessage({ hash, timestampMs, expiryMs, data }: StoredMessage): RetrievedMessage {
  return { hash, timestamp: timestampMs, expiration: expiryMs, expiry: expiryMs, data: toBase64(data) }
}
