import type { TimestampMs } from '../../base/clock.ts'
import { deleteResultSignedText } from '../../protocol/client-api/delete.ts'
import { affectedHashesSignedText } from '../../protocol/client-api/namespace-or-all.ts'
import type { MessageHash } from '../../protocol/message.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import { ClientError } from '../errors.ts'
import { allHashesIn, hashesIn, union } from '../listed-hashes.ts'
import { confirmedValues, type ReadResult, type Receipt, readReceipt } from '../member-results.ts'
import type { Answer } from '../onion-transport.ts'
import { deleteAllRequest, deleteBeforeRequest, deleteRequest } from '../signed-params.ts'
import type { Signer } from '../signer.ts'
import type { AnswerSource, SwarmCall } from '../swarm-call.ts'

/** What one member held and deleted. */
export interface Deleted {
  readonly deleted: readonly MessageHash[]
}

export interface DeleteReceipt extends Receipt<Deleted> {
  /** What at least one member held and deleted. */
  readonly deleted: readonly MessageHash[]
}

export interface DeleteOptions {
  /** Fail with NOT_FOUND when no member that answered held any of them. */
  readonly required?: boolean
}

const NOT_FOUND = 404

export function deleteCall(
  hashes: readonly MessageHash[],
  signer: Signer,
  { required = false }: DeleteOptions = {},
): SwarmCall<DeleteReceipt> {
  const readResult: ReadResult<Deleted> = (result) => {
    const deleted = hashesIn(result['deleted'])
    return deleted && { signed: deleteResultSignedText(signer.id, hashes, deleted), value: { deleted } }
  }
  return {
    account: signer.id,
    prepare: () => ({
      envelope: deleteRequest(hashes, signer, required),
      ...(required && { alsoReads: NOT_FOUND }),
      read(answer, source) {
        const receipt = receiptOf(answer, source, readResult)
        if (required && receipt.deleted.length === 0) {
          throw new ClientError('NOT_FOUND', 'No node holds any of the messages that were to be deleted')
        }
        return receipt
      },
    }),
  }
}

/** All messages of the account, or those of one namespace, up to the moment of the request. */
export function deleteAllCall(namespace: Namespace | 'all', signer: Signer): SwarmCall<DeleteReceipt> {
  return {
    account: signer.id,
    prepare: ({ nowMs }) => ({
      envelope: deleteAllRequest(namespace, nowMs, signer),
      read: (answer, source) => receiptOf(answer, source, affected(signer, nowMs)),
    }),
  }
}

/** Messages whose timestamp is `beforeMs` or earlier. */
export function deleteBeforeCall(
  namespace: Namespace | 'all',
  beforeMs: TimestampMs,
  signer: Signer,
): SwarmCall<DeleteReceipt> {
  return {
    account: signer.id,
    prepare: () => ({
      envelope: deleteBeforeRequest(namespace, beforeMs, signer),
      read: (answer, source) => receiptOf(answer, source, affected(signer, beforeMs)),
    }),
  }
}

function affected({ id }: Signer, timeMs: TimestampMs): ReadResult<Deleted> {
  return (result) => {
    const deleted = allHashesIn(result['deleted'])
    return deleted && { signed: affectedHashesSignedText(id, timeMs, deleted), value: { deleted } }
  }
}

function receiptOf({ body }: Answer, { swarm }: AnswerSource, read: ReadResult<Deleted>): DeleteReceipt {
  const receipt = readReceipt(body, swarm, read)
  return { deleted: union(confirmedValues(receipt).map(({ deleted }) => deleted)), ...receipt }
}
