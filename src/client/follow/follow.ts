import { type Clock, type DurationMs, MINUTE, SECOND } from '../../base/clock.ts'
import { wait } from '../../base/wait.ts'
import type { StoredMessage } from '../../protocol/message.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import type { ServiceNodeKey } from '../../protocol/service-node.ts'
import { ClientError, type ClientErrorCode } from '../errors.ts'
import type { PathPool } from '../path-pool.ts'
import { pick, type Random } from '../random.ts'
import type { ReachableNode } from '../reachable-node.ts'
import type { Received } from '../received.ts'
import type { SwarmDirectory } from '../swarm-directory.ts'
import type { MemberWatch, OpenWatch, Watched } from './member-watch.ts'

export interface FollowAccountOptions {
  /** Ends it, with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly namespaces: readonly Namespace[]
  /**
   * Connects to a node that keeps the messages, without hops between. Messages are told of a little sooner, but that node, and
   * whoever sees the line, learns which machine reads which account. Messages themselves are still fetched through hops.
   */
  readonly directly?: boolean
  /** Between two questions, while no node tells of new messages by itself. */
  readonly intervalMs?: DurationMs
  /** Told of failures after which it goes on. */
  readonly onTrouble?: (error: ClientError) => void
}

export interface FollowOptions extends Omit<FollowAccountOptions, 'namespaces'> {
  /** 0, where direct messages arrive, unless given. */
  readonly namespaces?: readonly Namespace[]
}

export const defaultFollowOptions = { intervalMs: 5 * SECOND } as const

/** Messages of one namespace that have not been returned before. */
export interface Followed extends Received {
  readonly namespace: Namespace
}

/** The same of any account: as they were stored. */
export interface FollowedMessages {
  readonly namespace: Namespace
  /** In the order of the node that gave them. */
  readonly messages: readonly StoredMessage[]
}

export interface FollowComponents<News> {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly pool: PathPool
  readonly random: Random
  readonly swarms: SwarmDirectory
  readonly open: OpenWatch
  /** Settles once there is a list of service nodes. */
  readonly ready: (signal: AbortSignal) => Promise<void>
  /** What has arrived since the last call, from this member first; undefined for nothing. */
  readonly receive: (
    namespace: Namespace,
    member: ServiceNodeKey | undefined,
    signal: AbortSignal,
  ) => Promise<News | undefined>
}

/** Whatever a member tells, another is asked so often: the one may have missed a message, or say nothing of it. */
const CHECK_MS: DurationMs = 5 * MINUTE
/** How long nobody is asked to tell of messages after one would not: most of a swarm are of the same version. */
const POLL_FOR_MS: DurationMs = MINUTE
/** The first pause after a failure, unless questions come more often. */
const RETRY_MS: DurationMs = 5 * SECOND
/** The longest pause between two failures. */
const BACKOFF_MAX_MS: DurationMs = MINUTE

/** Failures that pass: of the network, or of nodes. */
const PASSING: ReadonlySet<ClientErrorCode> = new Set([
  'ANSWER_INVALID',
  'CONNECTION_CLOSED',
  'DESTINATION_UNREACHABLE',
  'MONITOR_UNAVAILABLE',
  'OFFLINE',
  'PATHS_FAILED',
  'SEEDS_UNAVAILABLE',
  'SWARM_UNAVAILABLE',
  'SWARM_UNKNOWN',
  'TOO_FEW_NODES',
  'TRANSPORT_FAILED',
  'TRANSPORT_TIMEOUT',
] satisfies ClientErrorCode[])

/** Returns messages as they come: told of by a member, or asked for from time to time where none tells. */
export class Follower<News> {
  readonly #components: FollowComponents<News>
  readonly #watched: Watched
  readonly #intervalMs: DurationMs
  readonly #retryMs: DurationMs
  readonly #onTrouble: (error: ClientError) => void
  #hasReceived = false
  #failures = 0
  #pollUntilMs = Number.NEGATIVE_INFINITY
  #lastMember: ServiceNodeKey | undefined

  constructor(components: FollowComponents<News>, watched: Watched, options: Omit<FollowAccountOptions, 'namespaces'>) {
    this.#components = components
    this.#watched = watched
    this.#intervalMs = options.intervalMs ?? defaultFollowOptions.intervalMs
    this.#retryMs = Math.min(RETRY_MS, this.#intervalMs)
    this.#onTrouble = options.onTrouble ?? (() => {})
  }

  /** Goes on until `signal` aborts, and then ends with its reason. The first question must succeed; later ones may fail. */
  async *run(signal: AbortSignal): AsyncGenerator<News, never> {
    for (;;) {
      try {
        yield* this.#round(signal)
      } catch (error) {
        this.#bear(error, signal)
      }
      await wait(this.#pauseMs(), signal)
    }
  }

  /** One member, as long as it is of use; or one question to any of them. */
  async *#round(signal: AbortSignal): AsyncGenerator<News, void> {
    if (this.#nowMs() < this.#pollUntilMs) return yield* this.#receiveAll(undefined, signal)
    const member = await this.#chooseMember(signal)
    await using watch = await this.#openOrPoll(member, signal)
    // What arrived before the member began to tell is found now, and so nothing falls between.
    yield* this.#receiveAll(watch === undefined ? undefined : member.key, signal)
    if (watch !== undefined) yield* this.#listen(watch, member.key, signal)
  }

  async *#listen(watch: MemberWatch, member: ServiceNodeKey, signal: AbortSignal): AsyncGenerator<News, never> {
    let checkAtMs = this.#nowMs() + CHECK_MS
    for (;;) {
      const askedMs = this.#nowMs()
      const news = await watch.next(Math.max(0, checkAtMs - askedMs), signal)
      let found = 0
      for (const namespace of news) {
        for await (const followed of this.#receive(namespace, member, signal)) {
          found++
          yield followed
        }
      }
      // A member that speaks of news where there are none, or does not wait for any, must not keep this client busy.
      if (found === 0) await wait(Math.max(0, askedMs + this.#retryMs - this.#nowMs()), signal)
      if (this.#nowMs() < checkAtMs) continue
      yield* this.#receiveAll(undefined, signal)
      checkAtMs = this.#nowMs() + CHECK_MS
    }
  }

  async *#receiveAll(member: ServiceNodeKey | undefined, signal: AbortSignal): AsyncGenerator<News, void> {
    for (const namespace of this.#watched.namespaces) yield* this.#receive(namespace, member, signal)
    this.#hasReceived = true
    this.#failures = 0
  }

  async *#receive(
    namespace: Namespace,
    member: ServiceNodeKey | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<News, void> {
    const news = await this.#components.receive(namespace, member, signal)
    if (news !== undefined) yield news
  }

  /** Undefined when it does not tell, so that it is asked instead. */
  async #openOrPoll(member: ReachableNode, signal: AbortSignal): Promise<MemberWatch | undefined> {
    try {
      return await this.#components.open(member, this.#watched, signal)
    } catch (error) {
      this.#bear(error, signal, true)
      return undefined
    }
  }

  /** Another than the last, if there is one. */
  async #chooseMember(signal: AbortSignal): Promise<ReachableNode> {
    const { pool, random, ready, swarms } = this.#components
    await ready(signal)
    const members = await swarms.membersOf(this.#watched.signer.id, signal)
    const others = members.filter(({ key }) => key !== this.#lastMember)
    const usable = others.filter(({ key }) => pool.isUsable(key))
    const member = pick(usable, random) ?? pick(others, random) ?? members[0]
    if (member === undefined) throw new ClientError('SWARM_UNKNOWN', 'The account has no swarm')
    this.#lastMember = member.key
    return member
  }

  /** Takes note of a failure that passes, and throws any other. */
  #bear(error: unknown, signal: AbortSignal, isBeforeFirst = false): void {
    signal.throwIfAborted()
    if (!(error instanceof ClientError) || !PASSING.has(error.code)) throw error
    if (!this.#hasReceived && !isBeforeFirst && error.code !== 'MONITOR_UNAVAILABLE') throw error
    if (error.code === 'MONITOR_UNAVAILABLE') this.#pollUntilMs = this.#nowMs() + POLL_FOR_MS
    else this.#failures++
    this.#onTrouble(error)
  }

  #pauseMs(): DurationMs {
    if (this.#nowMs() < this.#pollUntilMs) return this.#intervalMs
    return Math.min(BACKOFF_MAX_MS, this.#retryMs * 2 ** Math.max(0, this.#failures - 1))
  }

  #nowMs(): DurationMs {
    return this.#components.clock.monotonicMs()
  }
}
