import type { DurationMs, TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { isJsonObject, type JsonValue } from '../protocol/json.ts'
import { SIGNATURE_WINDOW_MS } from '../protocol/limits.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { withWords } from './answers.ts'
import { ClientError } from './errors.ts'
import type { NetworkClock } from './network-clock.ts'
import type { Answer } from './onion-transport.ts'
import type { PathPool } from './path-pool.ts'
import { pick, type Random } from './random.ts'
import type { ReachableNode } from './reachable-node.ts'
import type { PreparedCall, SwarmCall } from './swarm-call.ts'
import type { SwarmDirectory } from './swarm-directory.ts'
import type { TimedOnion } from './timed-onion.ts'

export interface SwarmRequesterComponents {
  readonly onion: TimedOnion
  readonly swarms: SwarmDirectory
  readonly pool: PathPool
  readonly clock: NetworkClock
  readonly random: Random
}

export interface SwarmRequesterOptions {
  /** Members that are asked for one request, one after another. */
  readonly memberAttemptsMax: number
}

export const defaultSwarmRequesterOptions: SwarmRequesterOptions = { memberAttemptsMax: 5 }

/** One request's tries: what has been learned on the way. */
interface Attempts {
  readonly first: ServiceNodeKey | undefined
  readonly tried: Set<ServiceNodeKey>
  /** For which the request is signed, by the network's clock. */
  nowMs: TimestampMs
  clockCompared: boolean
  lastStatus: number
  refusal: Refusal | undefined
}

/** One member's word that no member would do the request. */
interface Refusal {
  readonly member: ServiceNodeKey
  readonly error: ClientError
}

type Verdict = 'succeeded' | 'retry'

/** What a member is told, and its answer. */
interface Exchange<T> {
  readonly call: PreparedCall<T>
  readonly answer: Answer
}

/**
 * A try keeps the moment of the first, and so its bytes, for so long: a write whose answer was lost is then the same write,
 * and its signature is still good when a member passes it on.
 */
const MOMENT_KEPT_MS: DurationMs = SIGNATURE_WINDOW_MS / 2

/** Asks an account's swarm: one member at random, then others, as the errors that come back demand. */
export class SwarmRequester {
  readonly #components: SwarmRequesterComponents
  readonly #options: SwarmRequesterOptions

  constructor(components: SwarmRequesterComponents, options: SwarmRequesterOptions) {
    this.#components = components
    this.#options = options
  }

  /**
   * @throws {ClientError} SWARM_UNKNOWN, SWARM_UNAVAILABLE, UNAUTHORIZED, CLOCK_REJECTED, REQUEST_REFUSED, and those of
   * the onion transport; the signal's reason
   */
  async ask<T>(call: SwarmCall<T>, signal: AbortSignal): Promise<T> {
    const { account } = call
    const attempts: Attempts = {
      first: call.first,
      tried: new Set(),
      nowMs: this.#components.clock.nowMs(),
      clockCompared: false,
      lastStatus: 0,
      refusal: undefined,
    }
    for (let count = 0; count < this.#options.memberAttemptsMax; count++) {
      const member = await this.#choose(account, attempts, signal)
      if (member === undefined) break
      attempts.tried.add(member.key)
      const result = await this.#try(call, member, attempts, signal)
      if (result === undefined) continue
      // Another member did what this one said nobody would.
      if (attempts.refusal !== undefined) this.#components.pool.strikeNode(attempts.refusal.member)
      return result.value
    }
    if (attempts.refusal !== undefined) throw attempts.refusal.error
    // Perhaps the swarm is another by now.
    this.#components.swarms.forget(account)
    const details = { tried: attempts.tried.size, lastStatus: attempts.lastStatus }
    throw new ClientError(
      'SWARM_UNAVAILABLE',
      'No node that keeps the messages of this account could do the request; try again in a minute',
      { details },
    )
  }

  async #try<T>(
    call: SwarmCall<T>,
    member: ReachableNode,
    attempts: Attempts,
    signal: AbortSignal,
  ): Promise<{ readonly value: T } | undefined> {
    const exchange = await this.#askMember(call, member, attempts, signal)
    if (exchange === undefined) return undefined
    const { call: prepared, answer } = exchange
    attempts.lastStatus = answer.status
    const isRead = answer.status === prepared.alsoReads
    const verdict = isRead ? 'succeeded' : await this.#judge(answer, call.account, member, attempts, signal)
    if (verdict === 'retry') return undefined
    const { swarms, pool } = this.#components
    const distrust = () => pool.strikeNode(member.key)
    try {
      return { value: prepared.read(answer, { member, swarm: swarms.known(call.account), distrust }) }
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'ANSWER_INVALID') throw error
      distrust()
      return undefined
    }
  }

  /** A member that has not been tried yet; those that failed too often before come last. */
  async #choose(
    account: AccountId,
    { tried, first }: Attempts,
    signal: AbortSignal,
  ): Promise<ReachableNode | undefined> {
    const { swarms, pool, random } = this.#components
    const members = (await swarms.membersOf(account, signal)).filter((member) => !tried.has(member.key))
    const good = members.filter((member) => pool.isUsable(member.key))
    return members.find((member) => member.key === first) ?? pick(good, random) ?? pick(members, random)
  }

  /** Undefined when this member cannot be reached. */
  async #askMember<T>(
    call: SwarmCall<T>,
    member: ReachableNode,
    attempts: Attempts,
    signal: AbortSignal,
  ): Promise<Exchange<T> | undefined> {
    const { onion, clock } = this.#components
    if (clock.nowMs() - attempts.nowMs > MOMENT_KEPT_MS) attempts.nowMs = clock.nowMs()
    const prepared = call.prepare({ nowMs: attempts.nowMs, member: member.key })
    try {
      const answer = deciding(await onion.ask(member, prepared.envelope, signal))
      return { call: prepared, answer }
    } catch (error) {
      if (error instanceof ClientError && error.code === 'DESTINATION_UNREACHABLE') return undefined
      throw error
    }
  }

  async #judge(
    { status, body }: Answer,
    account: AccountId,
    member: ReachableNode,
    attempts: Attempts,
    signal: AbortSignal,
  ): Promise<Verdict> {
    if (status >= 200 && status < 300) return 'succeeded'
    if (status === 421) {
      this.#components.swarms.correct(account, member.key, body)
      return 'retry'
    }
    if (status === 406 || status === 425) return this.#compareClock(member, attempts, signal)
    if (status === 401) {
      const error = new ClientError('UNAUTHORIZED', withWords('The node refused the signature', body))
      return this.#takeRefusal({ member: member.key, error }, attempts)
    }
    if (status < 500 && status !== 429) {
      const text = withWords('The node refused the request', body)
      const error = new ClientError('REQUEST_REFUSED', text, { details: { status } })
      return this.#takeRefusal({ member: member.key, error }, attempts)
    }
    if (isNodeNotFound(status, body)) this.#components.pool.dropNode(member.key)
    else this.#components.pool.strikeNode(member.key)
    return 'retry'
  }

  /** Two members must refuse: otherwise any one of them could deny clients what the others would do. */
  #takeRefusal(given: Refusal, attempts: Attempts): Verdict {
    if (attempts.refusal !== undefined) throw given.error
    attempts.refusal = given
    return 'retry'
  }

  async #compareClock(member: ReachableNode, attempts: Attempts, signal: AbortSignal): Promise<Verdict> {
    if (attempts.clockCompared) {
      const message = 'The node refused the timestamp although it agrees with other nodes'
      return this.#takeRefusal({ member: member.key, error: new ClientError('CLOCK_REJECTED', message) }, attempts)
    }
    attempts.clockCompared = true
    await this.#components.onion.compareClock(signal)
    attempts.nowMs = this.#components.clock.nowMs()
    attempts.tried.delete(member.key)
    return 'retry'
  }
}

/** Statuses of a batch's parts that concern all of it. */
const DECISIVE: ReadonlySet<number> = new Set([406, 421, 425])

/** A batch or ifelse is answered with 200 even when its parts say that the node or the time is the wrong one. */
function deciding(answer: Answer): Answer {
  if (answer.status !== 200 || !isJsonObject(answer.body)) return answer
  const { results, result } = answer.body
  for (const part of Array.isArray(results) ? results : [result]) {
    const { code, body = null } = isJsonObject(part) ? part : {}
    if (typeof code !== 'number') continue
    if (DECISIVE.has(code)) return { status: code, body }
    const inner = deciding({ status: code, body })
    if (DECISIVE.has(inner.status)) return inner
  }
  return answer
}

/** The destination itself says that it knows a member no more: whom it means, only it knows, so it is left itself. */
function isNodeNotFound(status: number, body: JsonValue): boolean {
  return status === 502 && typeof body === 'string' && body.startsWith('Next node not found: ')
}
