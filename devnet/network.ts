import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { raceSignal } from '../src/base/deadline.ts'
import { type ChildWatch, createChildWatch } from './child-watch.ts'
import type { LoopbackServer } from './loopback-server.ts'
import { type DevnetNode, nodeFolder, prepareNode } from './node.ts'
import { type ListedNode, listFrom } from './node-request.ts'
import { type DevnetOptions, READY_TIMEOUT_MS } from './options.ts'
import type { Reporter } from './reporter.ts'
import { startSeedServer } from './seed-server.ts'
import { type Operator, type StakingChain, startStakingChain } from './stakes.ts'
import { membersOnChain, swarmsOf } from './swarms.ts'

export type { DevnetNode } from './node.ts'

/**
 * Nodes that start at the same time. A node is ready when it has compared what it holds with half of its swarm, so whoever starts
 * before the others waits for them: with a few at a time, the first wait for nothing but their patience. More would only wait for
 * the processor.
 */
const STARTS_AT_ONCE = 16
/** Nodes that the others meet first. */
const BOOTSTRAP_NODES = 2
const LIST_POLL_MS = 250
/** Twelve nodes make two swarms at every other attempt or better. */
const REGISTRATIONS_MAX = 30

/** A network of staked service nodes on this machine; disposal stops all of it. */
export interface Devnet extends AsyncDisposable {
  readonly chain: StakingChain
  readonly nodes: readonly DevnetNode[]
  readonly epochLengthS: number
  /** `http://127.0.0.1:PORT/`, plain: a seed as clients know it. */
  readonly seed: string
  /** Ids and swarms, as the service node list has them. */
  list(): Promise<readonly ListedNode[]>
  /** Keys, ether and tokens for one more node, whose stake is up to the caller. */
  createOperator(index: number): Promise<Operator>
  /** Prepares one more node; it runs when its runner is started. */
  prepare(index: number, operator: Operator): Promise<DevnetNode>
  /** Starts a node (again) and waits until it serves. */
  start(node: DevnetNode): Promise<void>
}

/** Starts chain and nodes, and settles once every node serves and knows where all the others are. */
export async function startDevnet(
  options: DevnetOptions,
  reporter: Reporter,
  signal: AbortSignal = new AbortController().signal,
): Promise<Devnet> {
  await using parts = new AsyncDisposableStack()
  const watch = parts.use(createChildWatch())
  const chain = parts.use(await startStakingChain(options.nodes + options.spareOperators, reporter, options))
  const operators = await stakeAll(chain, options, reporter)
  signal.throwIfAborted()
  const nodes = await prepareAll(operators, chain, options)
  parts.defer(() => stopAll(nodes))

  await raceSignal(startAll(nodes, watch, reporter, signal), signal)
  const seed = parts.use(await startSeedServer(() => nodes))
  reporter.progress('Waiting until every node knows all the others')
  await raceSignal(Promise.all(nodes.map((node) => untilListed(node, nodes.length))), signal)

  const started = parts.move()
  return { ...devnetOf({ chain, nodes, seed, watch }, options), [Symbol.asyncDispose]: () => started.disposeAsync() }
}

interface DevnetParts {
  readonly chain: StakingChain
  readonly nodes: readonly DevnetNode[]
  readonly seed: LoopbackServer
  readonly watch: ChildWatch
}

function devnetOf(
  { chain, nodes, seed, watch }: DevnetParts,
  options: DevnetOptions,
): Omit<Devnet, keyof AsyncDisposable> {
  return {
    chain,
    nodes,
    epochLengthS: options.epochLengthS,
    seed: seed.url,
    list: async () => {
      const node = nodes.find(({ runner }) => runner.running)
      return node === undefined ? [] : listFrom(node)
    },
    createOperator: (index) => chain.createOperator(join(nodeFolder(options, index), 'keys')),
    prepare: (index, operator) => prepareNode(index, operator, chain, bootstrapOf(nodes), options),
    start: (node) => startNode(node, watch),
  }
}

async function stakeAll(chain: StakingChain, options: DevnetOptions, reporter: Reporter): Promise<Operator[]> {
  reporter.progress(`Making keys and stakes for ${options.nodes} service nodes`, { nodes: options.nodes })
  const operators: Operator[] = []
  for (let index = 1; index <= options.nodes; index++) {
    operators.push(await chain.createOperator(join(nodeFolder(options, index), 'keys')))
  }
  reporter.progress(`Registering ${options.nodes} service nodes by real transactions`)
  await registerAll(operators, chain, options)
  await chain.fundPool()
  await chain.mineBySeconds()
  return operators
}

/** Where a node stands depends on when it registers: with too few swarms, all do it again at another time. */
async function registerAll(
  operators: readonly Operator[],
  chain: StakingChain,
  { swarmsMin }: DevnetOptions,
): Promise<void> {
  for (let attempt = 0; attempt < REGISTRATIONS_MAX; attempt++) {
    const undo = await chain.mark()
    await Promise.all(operators.map((operator) => chain.register(operator)))
    if (swarmsOf(await membersOnChain(chain), chain).length >= swarmsMin) return
    await undo()
  }
  throw new Error(`${operators.length} nodes do not make ${swarmsMin} swarms`)
}

async function prepareAll(
  operators: readonly Operator[],
  chain: StakingChain,
  options: DevnetOptions,
): Promise<DevnetNode[]> {
  const nodes: DevnetNode[] = []
  for (const [at, operator] of operators.entries()) {
    nodes.push(await prepareNode(at + 1, operator, chain, bootstrapOf(nodes), options))
  }
  return nodes
}

function bootstrapOf(nodes: readonly DevnetNode[]): string[] {
  return nodes.slice(0, BOOTSTRAP_NODES).map(({ multiaddr }) => multiaddr)
}

async function startAll(
  nodes: readonly DevnetNode[],
  watch: ChildWatch,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...nodes]
  let ready = 0
  const worker = async () => {
    for (let node = waiting.shift(); node !== undefined && !signal.aborted; node = waiting.shift()) {
      await startNode(node, watch)
      reporter.progress(`Service node ${++ready} of ${nodes.length} serves at ${node.ip}`, { ready, of: nodes.length })
    }
  }
  try {
    await Promise.all(Array.from({ length: STARTS_AT_ONCE }, worker))
  } finally {
    // After a failure the others must not go on starting nodes that are being stopped.
    waiting.length = 0
  }
}

async function stopAll(nodes: readonly DevnetNode[]): Promise<void> {
  await Promise.all(nodes.map(({ runner }) => runner[Symbol.asyncDispose]()))
}

async function startNode({ runner }: DevnetNode, watch: ChildWatch): Promise<void> {
  runner.start()
  if (runner.pid !== undefined && runner.pid !== process.pid) watch.add(runner.pid, runner.ended)
  await runner.ready(READY_TIMEOUT_MS)
}

/** Waits until the node's own list has an address for every node. */
async function untilListed(node: DevnetNode, count: number): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    const known = await listFrom(node).catch(() => [])
    if (known.filter(({ ip }) => ip !== '0.0.0.0').length >= count) return
    if (performance.now() > deadline) {
      throw new Error(`Node ${node.index} knows ${known.length} of ${count} nodes:\n${node.runner.logTail()}`)
    }
    await delay(LIST_POLL_MS)
  }
}
