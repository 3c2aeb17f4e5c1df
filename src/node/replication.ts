import { randomInt } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import type { AccountId } from '../protocol/account.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { type Comparison, createComparison } from '../swarm/contents-comparison.ts'
import { ContentsConduct } from '../swarm/contents-conduct.ts'
import { createContentsIntake } from '../swarm/contents-intake.ts'
import { createContentsRequester } from '../swarm/contents-requester.ts'
import { type ContentsResponder, createContentsResponder } from '../swarm/contents-responder.ts'
import type { ComparisonStatus } from '../swarm/contents-standing.ts'
import type { Announce, Contents, HeldRequests } from '../swarm/contents-store.ts'
import { keepFormerHolders } from '../swarm/former-holders.ts'
import { createHandOff } from '../swarm/hand-off.ts'
import type { Hints } from '../swarm/hand-off-delivery.ts'
import { createHandOver, type HandOver } from '../swarm/hand-over.ts'
import { createJoining, type Joining, type JoiningStatus, type Marks } from '../swarm/joining.ts'
import type { SwarmMembership } from '../swarm/membership.ts'
import type { SwarmMetrics } from '../swarm/metrics.ts'
import type { SwarmOptions } from '../swarm/options.ts'
import { createReplication, type Replication } from '../swarm/replication.ts'

export interface NodeReplicationComponents {
  readonly self: ServiceNodeKey
  readonly membership: SwarmMembership
  readonly peers: PeerRequester
  readonly messages: { readonly contents: Contents; readonly hints: Hints; readonly marks: Marks }
  /** Whether this node has more to do than it can. */
  readonly isOverloaded: () => boolean
  readonly clock: Clock
  readonly timers?: Timers
  /** At least 0 and below 1. */
  readonly random?: () => number
  readonly log: Logger
  readonly metrics: SwarmMetrics
}

/** What carries out the requests of other members here, and tells clients what came. */
export interface RequestExecutor extends HeldRequests {
  readonly announce: Announce
}

/** All that keeps the members of a swarm alike. */
export interface NodeReplication extends AsyncDisposable, Replication {
  /** Begins to compare, to fetch and to hand over. Before it, nothing is complete here, and other members are told to come again. */
  start(requests: RequestExecutor): Promise<void>
  /** Whether clients can be told what is here of an account as all that there is. */
  isComplete(account: AccountId): boolean
  /** Answers another member about what is held here. */
  handle: ContentsResponder['handle']
  /** Undefined until it is started. */
  status(): NodeReplicationStatus | undefined
}

export interface NodeReplicationStatus {
  readonly joining: JoiningStatus
  readonly comparison: ComparisonStatus
  /** Forwarded requests that wait for members that did not take them. */
  readonly waiting: number
  /** Whether accounts that this node no longer serves may still be here, to be handed over. */
  readonly isHandingOver: boolean
}

interface StartedParts {
  readonly responder: ContentsResponder
  readonly comparison: Comparison
  readonly joining: Joining
  readonly handOver: HandOver
}

const RANDOM_STEPS = 2 ** 32

export function createNodeReplication(components: NodeReplicationComponents, options: SwarmOptions): NodeReplication {
  const stack = new AsyncDisposableStack()
  const timers = components.timers ?? systemTimers
  const random = components.random ?? (() => randomInt(RANDOM_STEPS) / RANDOM_STEPS)
  const { messages, metrics } = components
  const common = { ...components, timers, random }

  const handOff = stack.use(
    createHandOff({ ...common, hints: messages.hints, metrics: metrics.handOff }, options.handOff),
  )
  const replication = createReplication({ ...common, handOff }, options)
  let parts: StartedParts | undefined

  const start = async ({ carryOut, announce }: RequestExecutor): Promise<StartedParts> => {
    const conduct = new ContentsConduct({ ...common, metrics: metrics.contents }, options.comparing)
    const shared = { ...common, contents: messages.contents, conduct, metrics: metrics.contents }
    const intake = createContentsIntake({ ...shared, requests: { carryOut }, announce })
    const exchange = createContentsRequester(shared)
    let joining: Joining | undefined
    // While everything is new here, it comes in pages.
    const isPaused = () => joining?.status().isEmpty !== false && joining?.status().isLenient !== true
    const comparison = stack.use(createComparison({ ...shared, intake, exchange, isPaused }, options.comparing))
    const handOver = stack.use(createHandOver({ ...shared, exchange, metrics: metrics.handOver }, options.handOver))
    const heard = (member: ServiceNodeKey) => {
      comparison.heard(member)
      handOff.reached(member)
    }
    const responder = createContentsResponder(
      {
        ...shared,
        intake,
        mayHold: (arc) => handOver.mayHold(arc),
        isFetching: () => joining?.isFetching() === true,
        heard,
      },
      options.comparing,
    )
    const { marks } = messages
    stack.use(await keepFormerHolders({ ...common, marks }))
    const joiningParts = { ...shared, intake, exchange, comparison, marks, metrics: metrics.joining }
    joining = stack.use(await createJoining(joiningParts, options.joining))
    return { responder, comparison, joining, handOver }
  }

  return {
    forward: replication.forward,
    async start(requests) {
      parts = await start(requests)
    },
    isComplete: (account) => parts?.joining.isComplete(account) === true,
    handle: async (from, payload, signal) => {
      if (parts === undefined) throw new PeerRequestError('PEER_BUSY', 'This node has only begun to start')
      return parts.responder.handle(from, payload, signal)
    },
    status: () =>
      parts && {
        joining: parts.joining.status(),
        comparison: parts.comparison.status(),
        waiting: messages.hints.statistics().queued,
        isHandingOver: parts.handOver.isUnfinished(),
      },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
