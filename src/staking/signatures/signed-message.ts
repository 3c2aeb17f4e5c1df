import { fromHex } from '../../base/bytes.ts'
import { type BlsPublicKey, parseBlsPublicKey } from '../../crypto/bls.ts'
import { type BlsTags, exitMessage, liquidateMessage, rewardMessage } from '../../crypto/bls-messages.ts'
import type { SignatureRequest } from '../../protocol/peer-api/signature-request.ts'
import type { BlsSubject } from './bls-task.ts'

/** The contract's message for a request, or undefined when the BLS key in it is none. */
export function signedMessageOf(request: SignatureRequest, tags: BlsTags): BlsSubject | undefined {
  const tag = tags.hashToG2
  if (request.kind === 'reward') return { message: rewardMessage(tags, request.recipient, request.totalAtomic), tag }
  const publicKey = blsPublicKeyOf(request.bls)
  if (publicKey === undefined) return undefined
  const messageOf = request.kind === 'exit' ? exitMessage : liquidateMessage
  return { message: messageOf(tags, publicKey, request.timestampS), tag }
}

/** The key of 128 hex digits, as members are listed with. */
export function blsPublicKeyOf(bls: string): BlsPublicKey | undefined {
  return parseBlsPublicKey(fromHex(bls) ?? new Uint8Array())
}
