import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { Envelope } from '../protocol/client-api/envelope.ts'
import { isJsonObject, type JsonValue } from '../protocol/json.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { ClientError } from './errors.ts'
import type { NetworkClock } from './network-clock.ts'
import type { Answer } from './onion-transport.ts'
import type { PathPool } from './path-pool.ts'
import { pick, type Random } from './random.ts'
import type { ReachableNode } from './reachable-node.ts'
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

export interface SwarmRequest<T> {
  /** The request for this moment, which it signs, and this member. */
  build(nowMs: TimestampMs, member: ReachableNode): Envelope
  /** What a successful answer says. @throws {ClientError} ANSWER_INVALID, upon which another member is asked */
  read(body: JsonValue, member: ReachableNode): T
  /** The member to ask first. */
  readonly first?: ServiceNodeKey | undefined
}

/** One request's tries: what has been learned on the way. */
interface Attempts {
  readonly first: ServiceNodeKey | undefined
  readonly tried: Set<ServiceNodeKey>
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
  async ask<T>(account: AccountId, request: SwarmRequest<T>, signal: AbortSignal): Promise<T> {
    const attempts: Attempts = {
      first: request.first,
      tried: new Set(),
      clockCompared: false,
      lastStatus: 0,
      refusal: undefined,
    }
    for (let count = 0; count < this.#options.memberAttemptsMax; count++) {
      const member = await this.#choose(account, attempts, signal)
      if (member === undefined) break
      attempts.tried.add(member.key)
      const result = await this.#try(account, member, request, attempts, signal)
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
    account: AccountId,
    member: ReachableNode,
    request: SwarmRequest<T>,
    attempts: Attempts,
    signal: AbortSignal,
  ): Promise<{ readonly value: T } | undefined> {
    const answer = await this.#askMember(member, request, signal)
    if (answer === undefined) return undefined
    attempts.lastStatus = answer.status
    const verdict = await this.#judge(answer, account, member, attempts, signal)
    if (verdict === 'retry') return undefined
    try {
      return { value: request.read(answer.body, member) }
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'ANSWER_INVALID') throw error
      this.#components.pool.strikeNode(member.key)
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
  async #askMember(
    member: ReachableNode,
    request: Pick<SwarmRequest<unknown>, 'build'>,
    signal: AbortSignal,
  ): Promise<Answer | undefined> {
    const { onion, clock } = this.#components
    try {
      return deciding(await onion.ask(member, request.build(clock.nowMs(), member), signal))
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
    if (status === 421) return this.#followToSwarm(account, member, body)
    if (status === 406 || status === 425) return this.#compareClock(member, attempts, signal)
    if (status === 401) {
      const error = new ClientError('UNAUTHORIZED', refusal('The node refused the signature', body))
      return this.#takeRefusal({ member: member.key, error }, attempts)
    }
    if (status < 500 && status !== 429) {
      const text = refusal('The node refused the request', body)
      const error = new ClientError('REQUEST_REFUSED', text, { details: { status } })
      return this.#takeRefusal({ member: member.key, error }, attempts)
    }
    this.#components.pool.strikeNode(member.key)
    return 'retry'
  }

  /** Two members must refuse: otherwise any one of them could deny clients what the others would do. */
  #takeRefusal(given: Refusal, attempts: Attempts): Verdict {
    if (attempts.refusal !== undefined) throw given.error
    attempts.refusal = given
    return 'retry'
  }

  /** The member is none, and says who is. */
  #followToSwarm(account: AccountId, member: ReachableNode, body: JsonValue): Verdict {
    const { swarms } = this.#components
    if (!swarms.repair(account, body)) swarms.dropMember(account, member.key)
    return 'retry'
  }

  async #compareClock(member: ReachableNode, attempts: Attempts, signal: AbortSignal): Promise<Verdict> {
    if (attempts.clockCompared) {
      const message = 'The node refused the timestamp although it agrees with other nodes'
      return this.#takeRefusal({ member: member.key, error: new ClientError('CLOCK_REJECTED', message) }, attempts)
    }
    attempts.clockCompared = true
    await this.#components.onion.compareClock(signal)
    attempts.tried.delete(member.key)
    return 'retry'
  }
}

/** Statuses of a batch's parts that concern all of it. */
const DECISIVE: ReadonlySet<number> = new Set([406, 421, 425])

/** A batch is answered with 200 even when its parts say that the node or the time is the wrong one. */
function deciding(answer: Answer): Answer {
  const results = answer.status === 200 && isJsonObject(answer.body) ? answer.body['results'] : undefined
  if (!Array.isArray(results)) return answer
  for (const result of results) {
    const code = isJsonObject(result) ? result['code'] : undefined
    if (typeof code === 'number' && DECISIVE.has(code)) return { status: code, body: result.body ?? null }
  }
  return answer
}

/** A node's own words, if they are short: they may end up on a terminal, so control characters are taken out. */
function refusal(what: string, body: JsonValue): string {
  if (typeof body !== 'string' || body === '') return what
  return `${what}: ${body.slice(0, 200).replace(/\p{Cc}/gu, ' ')}`
}
