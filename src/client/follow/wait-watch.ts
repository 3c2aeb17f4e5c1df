import { type DurationMs, SECOND } from '../../base/clock.ts'
import { isJsonObject, type JsonValue } from '../../protocol/json.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import { ClientError } from '../errors.ts'
import type { NetworkClock } from '../network-clock.ts'
import type { Answer, OnionTransport } from '../onion-transport.ts'
import type { ReachableNode } from '../reachable-node.ts'
import type { SwarmDirectory } from '../swarm-directory.ts'
import type { MemberWatch, OpenWatch, Watched } from './member-watch.ts'
import { monitorParams } from './monitor-params.ts'

export interface WaitWatchComponents {
  /** Not the one that compares clocks: an answer that was waited for says nothing of the time that it took. */
  readonly onion: OnionTransport
  readonly swarms: SwarmDirectory
  readonly clock: NetworkClock
}

/** A member answers after 20 seconds at the latest, and the guard gives up after 30. */
const ANSWER_TIMEOUT_MS: DurationMs = 28 * SECOND

/** Asks the member, through three hops, again and again, a question that it answers once there is something new. */
export function createWaitWatch(components: WaitWatchComponents): OpenWatch {
  return async (member, watched): Promise<MemberWatch> => ({
    async next(_maxMs, signal) {
      const answer = await components.onion.ask(member, request(member, watched, components), signal, ANSWER_TIMEOUT_MS)
      return newsIn(answer, member, watched, components)
    },
    async [Symbol.asyncDispose]() {},
  })
}

function request({ key }: ReachableNode, watched: Watched, { clock }: WaitWatchComponents) {
  const { signer, namespaces, lastHashOf } = watched
  const last = Object.fromEntries(namespaces.map((each) => [each, lastHashOf(key, each) ?? '']))
  return { method: 'monitor', params: { ...monitorParams(signer, namespaces, clock.nowMs()), last } }
}

function newsIn(
  { status, body }: Answer,
  { key }: ReachableNode,
  { signer, namespaces }: Watched,
  { swarms }: WaitWatchComponents,
): readonly Namespace[] {
  if (status === 421) {
    swarms.correct(signer.id, key, body)
    throw new ClientError('SWARM_UNAVAILABLE', 'Other nodes keep the messages of this account now')
  }
  const news: JsonValue | undefined = status === 200 && isJsonObject(body) ? body['news'] : undefined
  const isBusy = isJsonObject(body) && body['busy'] === true
  // A node that does not know the method says so with 400; whatever it said, it can still be asked for messages.
  if (!Array.isArray(news) || isBusy) {
    const details = { status }
    throw new ClientError('MONITOR_UNAVAILABLE', 'The node does not tell of new messages now', { details })
  }
  return namespaces.filter((namespace) => news.includes(namespace))
}
