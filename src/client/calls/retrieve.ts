import type { AccountId } from '../../protocol/account.ts'
import type { MessageHash } from '../../protocol/message.ts'
import { DEFAULT_NAMESPACE, type Namespace } from '../../protocol/namespace.ts'
import type { ServiceNodeKey } from '../../protocol/service-node.ts'
import { type RetrievedPage, readRetrievedPage } from '../retrieved-page.ts'
import { publicRetrieveRequest, type RetrieveParams, retrieveRequest } from '../signed-params.ts'
import type { Signer } from '../signer.ts'
import type { AnswerSource, CallMoment, PreparedCall, SwarmCall } from '../swarm-call.ts'

export interface RetrieveQuery {
  readonly namespace?: Namespace
  /** Messages after this one, which must be the `lastHash` of a page of the same member. */
  readonly afterHash?: MessageHash
  readonly countMax?: number
  /** Bytes, or -k for a share of 1/k of the largest answer. */
  readonly sizeMax?: number
  /** The newest comes first, and `afterHash` leads on to older ones. */
  readonly newestFirst?: boolean
  /** The member to ask first, such as the one of the page before. */
  readonly member?: ServiceNodeKey
}

/** A page, and the member that gave it. */
export interface MemberPage extends RetrievedPage {
  readonly member: ServiceNodeKey
}

/** One page of an account's messages, by one member's word. */
export function retrieveCall(query: RetrieveQuery, signer: Signer): SwarmCall<MemberPage> {
  return retrieveAfterCall(query, () => query.afterHash, signer)
}

/** As retrieveCall, where each member has a place of its own to go on from: their orders differ. */
export function retrieveAfterCall(
  query: Omit<RetrieveQuery, 'afterHash'>,
  afterOf: (member: ServiceNodeKey) => MessageHash | undefined,
  signer: Signer,
): SwarmCall<MemberPage> {
  return pageCall(signer.id, query, ({ nowMs, member }) =>
    retrieveRequest({ ...paramsOf(query), afterHash: afterOf(member), timestampMs: nowMs }, signer),
  )
}

/** One page of a public outbox, of any account. */
export function publicRetrieveCall(account: AccountId, query: RetrieveQuery): SwarmCall<MemberPage> {
  return pageCall(account, query, () => publicRetrieveRequest(account, paramsOf(query)))
}

function paramsOf(query: RetrieveQuery): Omit<RetrieveParams, 'timestampMs'> {
  const { namespace = DEFAULT_NAMESPACE, afterHash, countMax, sizeMax, newestFirst } = query
  return { namespace, afterHash, countMax, sizeMax, newestFirst }
}

function pageCall(
  account: AccountId,
  { namespace = DEFAULT_NAMESPACE, member: first }: RetrieveQuery,
  write: (moment: CallMoment) => PreparedCall<MemberPage>['envelope'],
): SwarmCall<MemberPage> {
  const readPage = (body: Parameters<typeof readRetrievedPage>[0], { member, distrust }: AnswerSource) => {
    const page = readRetrievedPage(body, account, namespace)
    if (page.forged > 0) distrust()
    return { ...page, member: member.key }
  }
  return {
    account,
    first,
    prepare: (moment) => ({ envelope: write(moment), read: ({ body }, source) => readPage(body, source) }),
  }
}
