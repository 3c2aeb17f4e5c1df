import { toBase64 } from '../../base/bytes.ts'
import { type RevocationMethod, revocationResultSignedText } from '../../protocol/client-api/revocation.ts'
import { parseSubaccountToken } from '../../protocol/client-api/subaccount.ts'
import { isWhole, type JsonValue } from '../../protocol/json.ts'
import { objectOf } from '../answers.ts'
import { ClientError } from '../errors.ts'
import { type Receipt, readReceipt } from '../member-results.ts'
import { revocationRequest, revokedSubaccountsRequest } from '../signed-params.ts'
import type { Owner } from '../signer.ts'
import type { SwarmCall } from '../swarm-call.ts'

/** What one member did about revocations. */
export interface RevocationDone {
  /** Only of unrevoking: how many of them were revoked until then. The member's word. */
  readonly count?: number
}

export type RevocationReceipt = Receipt<RevocationDone>

/** From then on these tokens open nothing but what revoked members may still read. Base64, as in passes. */
export function revokeCall(tokens: readonly string[], owner: Owner): SwarmCall<RevocationReceipt> {
  return revocationCall('revoke_subaccount', tokens, owner)
}

/** Takes revocations back. */
export function unrevokeCall(tokens: readonly string[], owner: Owner): SwarmCall<RevocationReceipt> {
  return revocationCall('unrevoke_subaccount', tokens, owner)
}

function revocationCall(
  method: RevocationMethod,
  texts: readonly string[],
  owner: Owner,
): SwarmCall<RevocationReceipt> {
  const tokens = texts.map(parseToken)
  return {
    account: owner.id,
    prepare: ({ nowMs }) => ({
      envelope: revocationRequest(method, tokens, nowMs, owner),
      read: ({ body }, { swarm }) =>
        readReceipt(body, swarm, ({ count }) => ({
          signed: revocationResultSignedText(owner.id, nowMs, tokens),
          value: isWhole(count) ? { count } : {},
        })),
    }),
  }
}

/** The tokens that one member knows to be revoked, the newest fifty. */
export function revokedCall(owner: Owner): SwarmCall<readonly string[]> {
  return {
    account: owner.id,
    prepare: ({ nowMs }) => ({
      envelope: revokedSubaccountsRequest(nowMs, owner),
      read: ({ body }) => readTokens(objectOf(body)['revoked_subaccounts']),
    }),
  }
}

function readTokens(list: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(list)) throw invalidAnswer()
  return list.map((text: JsonValue) => {
    const token = typeof text === 'string' ? parseSubaccountToken(text) : undefined
    if (token === undefined) throw invalidAnswer()
    return toBase64(token)
  })
}

function parseToken(text: string): Uint8Array {
  const token = parseSubaccountToken(text)
  if (token === undefined) throw new ClientError('PASS_INVALID', 'The token of a pass is base64 of 36 bytes')
  return token
}

function invalidAnswer(): ClientError {
  return new ClientError('ANSWER_INVALID', "The node's answer has no list of tokens")
}
