// Members of one swarm that compare what they hold: real message stores, real handlers of requests, and between them function calls
// that a test may cut or let lie.
import { HOUR, MINUTE } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { Timers } from '../../../src/base/timers.ts'
import type { StoredMessage } from '../../../src/protocol/message.ts'
import { decodeContentsAnswer } from '../../../src/protocol/peer-api/contents-answer.ts'
import type { ContentsAnswer, ContentsRequest } from '../../../src/protocol/peer-api/contents-exchange.ts'
import { decodeContentsRequest, encodeContentsRequest } from '../../../src/protocol/peer-api/contents-request.ts'
import { PeerRequestError } from '../../../src/protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import type { RpcOptions } from '../../../src/rpc/options.ts'
import type { StorageOptions } from '../../../src/storage/options.ts'
import { type Comparison, createComparison } from '../../../src/swarm/contents-comparison.ts'
import { ContentsConduct } from '../../../src/swarm/contents-conduct.ts'
import { createContentsIntake } from '../../../src/swarm/contents-intake.ts'
import { createContentsMetrics } from '../../../src/swarm/contents-metrics.ts'
import { createContentsRequester } from '../../../src/swarm/contents-requester.ts'
import { type ContentsResponder, createContentsResponder } from '../../../src/swarm/contents-responder.ts'
import type { Contents } from '../../../src/swarm/contents-store.ts'
import { type ComparingOptions, defaultSwarmOptions } from '../../../src/swarm/options.ts'
import { createTestNetwork, type TestNetwork, type TestNode } from '../rpc/rpc-fixture.ts'

export type Answering = (request: ContentsRequest, payload: Uint8Array) => Promise<Uint8Array>

export interface ContentsNode {
  readonly node: TestNode
  readonly key: ServiceNodeKey
  readonly contents: Contents
  readonly conduct: ContentsConduct
  readonly responder: ContentsResponder
  readonly comparison: Comparison
  /** Messages that were announced to those who wait for them. */
  readonly announced: StoredMessage[]
  /** What this node was asked, in order. */
  readonly asked: ContentsRequest['kind'][]
  /** Answers in the place of this node; it may ask the real one. */
  lies: Answering | undefined
  /** Whether it claims to have joined a moment ago. */
  isFetching: boolean
  metrics(): Promise<string>
}

export interface ContentsNetwork extends AsyncDisposable {
  readonly network: TestNetwork
  readonly nodes: readonly ContentsNode[]
  /** Pairs that do not reach each other, as `from to`. */
  readonly cut: Set<string>
}

/** Rounds begin when a test asks for them; short waits within them take no time. */
export const COMPARING: ComparingOptions = { ...defaultSwarmOptions.comparing, intervalMs: 24 * HOUR }
const WAIT_MAX_MS = MINUTE

export const testTimers: Timers = {
  after(ms, callback) {
    if (ms > WAIT_MAX_MS) return () => {}
    const immediate = setImmediate(callback)
    return () => clearImmediate(immediate)
  },
  deadline: (_, parent) => parent ?? new AbortController().signal,
}

export async function createContentsNetwork(
  size: number,
  options: {
    readonly comparing?: Partial<ComparingOptions>
    readonly storage?: Partial<StorageOptions>
    readonly rpc?: Partial<RpcOptions>
    readonly timers?: Timers
  } = {},
): Promise<ContentsNetwork> {
  await using stack = new AsyncDisposableStack()
  const { storage = {}, rpc = {} } = options
  const network = stack.use(await createTestNetwork(size, { storage, rpc }))
  const nodes: ContentsNode[] = []
  const cut = new Set<string>()
  const comparing = { ...COMPARING, ...options.comparing }
  const timers = options.timers ?? testTimers

  for (const node of network.nodes) {
    const { key, membership } = node
    const { clock } = node.store
    const { contents } = node.store.store
    const registry = createMetricsRegistry()
    const metrics = createContentsMetrics(registry)
    const log = silentLogger
    const announced: StoredMessage[] = []
    const conduct = new ContentsConduct({ clock, log, metrics }, comparing)
    const announce = (message: StoredMessage) => void announced.push(message)
    const intake = createContentsIntake({ contents, requests: node, announce, conduct, clock, metrics })
    const peers = {
      async request(
        to: ServiceNodeKey,
        _protocol: unknown,
        payload: Uint8Array,
        { signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
      ) {
        if (cut.has(`${key} ${to}`)) throw new PeerRequestError('PEER_UNREACHABLE', 'The line is cut')
        const other = nodes.find((each) => each.key === to)
        if (other === undefined) throw new PeerRequestError('PEER_UNKNOWN', 'Nobody knows')
        const request = decodeContentsRequest(payload)
        other.asked.push(request.kind)
        if (other.lies !== undefined) return other.lies(request, payload)
        return other.responder.handle(key, payload, signal ?? new AbortController().signal)
      },
    }
    const exchange = createContentsRequester({ peers, conduct, timers, metrics })
    const comparison = stack.use(
      createComparison(
        { self: key, exchange, contents, intake, conduct, membership, clock, timers, random: () => 0.5, log, metrics },
        comparing,
      ),
    )
    const responder = createContentsResponder(
      {
        ...{ contents, intake, conduct, membership, clock, metrics },
        heard: (member) => comparison.heard(member),
        isFetching: () => nodes.find((each) => each.key === key)?.isFetching === true,
      },
      comparing,
    )
    nodes.push({
      node,
      key,
      contents,
      conduct,
      responder,
      comparison,
      announced,
      asked: [],
      lies: undefined,
      isFetching: false,
      metrics: () => registry.expose(),
    })
  }
  await Promise.all(nodes.map(sumsOf))
  const started = stack.move()
  return { network, nodes, cut, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** Waits until what a node holds is summed up. */
export async function sumsOf({ contents }: Pick<ContentsNode, 'contents'>) {
  for (;;) {
    const sums = contents.sums()
    if (sums !== undefined) return sums
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Whether all of them hold the same, by their sums over everything. */
export async function areEqual(nodes: readonly ContentsNode[]): Promise<boolean> {
  const totals = await Promise.all(
    nodes.map(async (each) => Buffer.from((await sumsOf(each)).total(0)).toString('hex')),
  )
  return new Set(totals).size === 1
}

/** A round of each member, one after the other. */
export async function sweep(nodes: readonly ContentsNode[]): Promise<void> {
  for (const { comparison } of nodes) await comparison.roundNow()
}

/** What one node is told when it asks another. */
export async function ask<Request extends ContentsRequest>(
  from: ContentsNode,
  to: ContentsNode,
  request: Request,
): Promise<ContentsAnswer<Request['kind']>> {
  const answer = await to.responder.handle(from.key, encodeContentsRequest(request), new AbortController().signal)
  const count = request.kind === 'offer' ? request.entries.length : request.kind === 'give' ? request.items.length : 0
  return decodeContentsAnswer<Request['kind']>(request.kind, answer, count)
}
