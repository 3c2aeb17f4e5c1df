import type { MetricsRegister } from '../base/metrics.ts'
import type { ContentsKind } from '../protocol/contents.ts'
import type { ContentsRequestKind } from '../protocol/peer-api/contents-exchange.ts'

/** How comparing with one member ended. */
export type ComparisonEnd =
  | 'equal'
  /** It had something that was missing here. */
  | 'fetched'
  /** The sums differ, but nothing new came. */
  | 'fruitless'
  /** The two are an epoch apart. */
  | 'other-arc'
  /** One of the two is making its sums. */
  | 'not-ready'
  /** It did not answer. */
  | 'silent'
  /** Its answer broke the protocol, or it refused. */
  | 'failed'
  /** It gave too many wrong things lately. */
  | 'ignored'

/** What is wrong with something that a member gave. */
export type WrongReason =
  /** It does not follow its grammar, or claims what cannot be. */
  | 'malformed'
  /** The message is not that of its hash. */
  | 'hash'
  /** Nothing is stored in this namespace. */
  | 'namespace'
  /** It lives longer than anything may. */
  | 'ttl'
  /** It is from the future. */
  | 'ahead'
  /** It ended long ago. */
  | 'expired'
  /** It is not of the accounts that this is about. */
  | 'foreign'
  /** Nobody asked for it. */
  | 'unasked'
  /** The account's owner did not sign this request, or might not make it. */
  | 'request'

/** How a request about contents was answered. */
export type ContentsAnswerEnd =
  | 'answered'
  /** About accounts that the asker does not share, or of which the answering side has no sums yet. */
  | 'obstacle'
  /** The asker had its bytes for now, or too much is under way. */
  | 'busy'
  | 'refused'
  | 'failed'

export type ContentsMetrics = ReturnType<typeof createContentsMetrics>

export function createContentsMetrics(register: MetricsRegister) {
  return {
    comparisons: register.counter<{ outcome: ComparisonEnd }>({
      name: 'starling_swarm_comparisons_total',
      help: 'Comparisons of contents with a member by how they ended',
      labelNames: ['outcome'],
    }),
    differingMembers: register.gauge({
      name: 'starling_swarm_differing_members',
      help: 'Members of our swarm whose contents differed from ours at the last comparison',
    }),
    silentMembers: register.gauge({
      name: 'starling_swarm_silent_members',
      help: 'Members of our swarm that did not answer the last comparison',
    }),
    ignoredMembers: register.gauge({
      name: 'starling_swarm_ignored_members',
      help: 'Service nodes that gave too many wrong things and are neither asked nor listened to about contents',
    }),
    differingBuckets: register.counter({
      name: 'starling_swarm_differing_buckets_total',
      help: 'Buckets of ten minutes in which contents differed from those of a member, each time that this was seen',
    }),
    fruitlessBuckets: register.counter({
      name: 'starling_swarm_fruitless_buckets_total',
      help: 'Differing buckets of which a member had nothing that was missing here; each is looked at less and less often',
    }),
    items: register.counter<{ kind: ContentsKind; way: 'taken' | 'given' }>({
      name: 'starling_swarm_contents_items_total',
      help: 'Messages and requests that members gave to each other so that they hold the same',
      labelNames: ['kind', 'way'],
    }),
    bytes: register.counter<{ way: 'received' | 'sent' }>({
      name: 'starling_swarm_contents_bytes_total',
      help: 'Bytes of requests and answers about contents',
      labelNames: ['way'],
    }),
    wrong: register.counter<{ reason: WrongReason }>({
      name: 'starling_swarm_contents_wrong_total',
      help: 'Things that members gave and that were refused, by reason',
      labelNames: ['reason'],
    }),
    answers: register.counter<{ request: ContentsRequestKind | 'unknown'; outcome: ContentsAnswerEnd }>({
      name: 'starling_swarm_contents_answers_total',
      help: 'Requests of members about contents by how they were answered',
      labelNames: ['request', 'outcome'],
    }),
    convergence: register.histogram({
      name: 'starling_swarm_convergence_seconds',
      help: 'Time from when a difference to any member was first seen until none was',
      // From one round to the hours that a large catch-up takes.
      buckets: [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3600],
    }),
  }
}
