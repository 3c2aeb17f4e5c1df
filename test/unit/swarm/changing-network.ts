// Nodes that join, leave, stop and lose their disks: real message stores on disk, memberships, handlers of requests and everything that keeps
// members alike, as a node wires it. Only the wires between them are function calls, which a test may cut or let lie.
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DAY, systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { ed25519KeyPairFromSeed } from '../../../src/crypto/keys.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { createNodeReplication, type NodeReplication } from '../../../src/node/replication.ts'
import { type AccountId, parseAccountId } from '../../../src/protocol/account.ts'
import type { ClientAnswer } from '../../../src/protocol/client-api/envelope.ts'
import { hashMessage, type StoredMessage } from '../../../src/protocol/message.ts'
import type { PeerProtocol } from '../../../src/protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../../../src/protocol/peer-api/peer-request-error.ts'
import {
  type Member,
  type MembershipEpoch,
  type ServiceNodeKey,
  serviceNodeKey,
} from '../../../src/protocol/service-node.ts'
import { createRpcMetrics } from '../../../src/rpc/metrics.ts'
import { defaultRpcOptions } from '../../../src/rpc/options.ts'
import { createRpcHandler, type RpcHandler } from '../../../src/rpc/rpc-handler.ts'
import { openMessageStore } from '../../../src/storage/level-message-store.ts'
import type { MessageStore } from '../../../src/storage/message-store.ts'
import { createStorageMetrics } from '../../../src/storage/metrics.ts'
import { defaultStorageOptions, type StorageOptions } from '../../../src/storage/options.ts'
import { createSwarmMembership, type SwarmMembership } from '../../../src/swarm/membership.ts'
import { createSwarmMetrics } from '../../../src/swarm/metrics.ts'
import { defaultSwarmOptions, type SwarmOptions } from '../../../src/swarm/options.ts'
import { eventually } from '../../support/eventually.ts'
import { makeFolder } from '../storage/store-fixture.ts'
import { aMember, anEpoch, NETWORK } from './member-lists.ts'

const { comparing, joining, handOff, handOver } = defaultSwarmOptions

/** As in a network, but quick: two members make a swarm, and nobody waits long for anything. */
const QUICK: SwarmOptions = {
  ...defaultSwarmOptions,
  sizeMin: 2,
  forwardTimeoutMs: 500,
  comparing: { ...comparing, intervalMs: 60, confirmAfterMs: 5, timeoutMs: 2_000 },
  joining: { ...joining, ranges: 8, retryMinMs: 5, retryMaxMs: 40, checksPatienceMs: 100, timeoutMs: 2_000 },
  handOff: { ...handOff, retryMinMs: 5, retryMaxMs: 40, timeoutMs: 500 },
  handOver: { ...handOver, intervalMs: 50, timeoutMs: 2_000 },
}

interface Process {
  readonly store: MessageStore
  readonly membership: SwarmMembership
  readonly replication: NodeReplication
  readonly rpc: RpcHandler
  metrics(): Promise<string>
  stop(): Promise<void>
}

export type Lie = (protocol: PeerProtocol, payload: Uint8Array, truth: () => Promise<Uint8Array>) => Promise<Uint8Array>

export interface ChangingNode {
  readonly member: Member
  readonly key: ServiceNodeKey
  /** @throws while it does not run */
  readonly running: Process
  readonly isRunning: boolean
  /** What it answers instead of the truth. */
  lie: Lie | undefined
  start(): Promise<void>
  stop(): Promise<void>
  /** Only while it is stopped. */
  wipe(): Promise<void>
  holds(message: StoredMessage): Promise<boolean>
  /** A client's request over HTTPS. */
  call(method: string, params: object): Promise<ClientAnswer>
}

export interface ChangingNetwork extends AsyncDisposable {
  readonly nodes: readonly ChangingNode[]
  /** Pairs that do not reach each other, as `from to`. */
  readonly cut: Set<string>
  /** Makes the nodes of these places the members, for all that run, in any order. */
  epoch(places: readonly number[]): void
  /** The same for one node only, which then is an epoch ahead. */
  epochFor(node: ChangingNode, places: readonly number[]): void
  /** Running nodes whose swarm an account belongs to. */
  membersFor(account: AccountId): ChangingNode[]
}

export async function createChangingNetwork(
  size: number,
  options: { readonly swarm?: Partial<SwarmOptions>; readonly storage?: Partial<StorageOptions> } = {},
): Promise<ChangingNetwork> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await makeFolder())
  const swarmOptions = { ...QUICK, ...options.swarm }
  const nodes: ChangingNode[] = []
  const cut = new Set<string>()
  const epochs: MembershipEpoch[] = []

  const peersOf = (key: ServiceNodeKey) => ({
    async request(to: ServiceNodeKey, protocol: PeerProtocol, payload: Uint8Array, bounds: { signal?: AbortSignal }) {
      const other = nodes.find((node) => node.key === to)
      const self = nodes.find((node) => node.key === key)
      const isThere = other?.isRunning === true && self?.isRunning === true
      if (other === undefined || !isThere || cut.has(`${key} ${to}`)) {
        throw new PeerRequestError('PEER_UNREACHABLE', 'Not there')
      }
      const { membership, rpc, replication } = other.running
      if (!membership.isMember(key)) throw new PeerRequestError('PEER_FAILED', 'Not a member')
      const signal = bounds.signal ?? new AbortController().signal
      const truth = () =>
        protocol === 'forward' ? rpc.handleForwarded(key, payload, signal) : replication.handle(key, payload, signal)
      const answer = await (other.lie === undefined ? truth() : other.lie(protocol, payload, truth))
      // Who stopped meanwhile has not answered.
      if (!other.isRunning) throw new PeerRequestError('PEER_UNREACHABLE', 'It stopped')
      return answer
    },
  })

  const startProcess = async (place: number, path: string): Promise<Process> => {
    await using parts = new AsyncDisposableStack()
    const pair = ed25519KeyPairFromSeed(Buffer.alloc(32, 1 + place))
    const self = serviceNodeKey(pair.publicKey)
    const registry = createMetricsRegistry()
    const common = { log: silentLogger, clock: systemClock }
    const store = parts.use(
      await openMessageStore(
        { ...common, metrics: createStorageMetrics(registry), freeDiskBytes: async () => 2 ** 40 },
        { ...defaultStorageOptions, ...options.storage, path },
      ),
    )
    const metrics = createSwarmMetrics(registry)
    const membership = createSwarmMembership({ ...common, self, networkId: NETWORK, metrics }, swarmOptions)
    for (const epoch of epochs.slice(-2)) membership.update(epoch)
    const replication = parts.use(
      createNodeReplication(
        { ...common, self, membership, peers: peersOf(self), messages: store, isOverloaded: () => false, metrics },
        swarmOptions,
      ),
    )
    const rpc = createRpcHandler(
      {
        ...{ ...common, metrics: createRpcMetrics(registry), messages: store, revocations: store.revocations },
        identity: { key: self, sign: (bytes) => sign(bytes, pair.secretKey) },
        ...{
          swarm: membership,
          contacts: { contact: () => undefined },
          replication,
          isComplete: replication.isComplete,
        },
        ...{ info: { version: [1, 2, 3] }, readiness: () => [], signReward: () => Promise.reject(new Error('None')) },
      },
      { ...defaultRpcOptions },
    )
    const started = parts.move()
    const stop = () => started.disposeAsync()
    return { store, membership, replication, rpc, metrics: () => registry.expose(), stop }
  }

  const createNode = (place: number): ChangingNode => {
    const path = join(folder.path, String(place))
    const { publicKey } = ed25519KeyPairFromSeed(Buffer.alloc(32, 1 + place))
    const member = aMember(place, { key: serviceNodeKey(publicKey) })
    let process: Process | undefined
    const node: ChangingNode = {
      member,
      key: member.key,
      lie: undefined,
      get isRunning() {
        return process !== undefined
      },
      get running() {
        if (process === undefined) throw new Error(`Node ${place} does not run`)
        return process
      },
      async start() {
        process = await startProcess(place, path)
        await process.replication.start(process.rpc)
      },
      async stop() {
        const stopped = process
        process = undefined
        await stopped?.stop()
      },
      wipe: () => rm(path, { recursive: true, force: true }),
      async holds({ account, hash }) {
        const held = await node.running.store.expiries(account, [hash])
        return held.length > 0
      },
      call(method, params) {
        const body = Buffer.from(JSON.stringify({ method, params }))
        return node.running.rpc.handleJson(body, new AbortController().signal, 'https')
      },
    }
    return node
  }

  for (let place = 0; place < size; place++) nodes.push(createNode(place))
  const nextEpoch = (places: readonly number[]) => {
    const members = places.flatMap((place) => nodes[place]?.member ?? [])
    const epoch = anEpoch(epochs.length + 1, members)
    epochs.push(epoch)
    return epoch
  }
  const running = () => nodes.filter(({ isRunning }) => isRunning)

  const started = stack.move()
  return {
    nodes,
    cut,
    epoch(places) {
      const epoch = nextEpoch(places)
      for (const node of running()) {
        // One that was told of it before everybody else hears of all that it has missed.
        for (const each of epochs.slice(-2)) {
          if (each.index > (node.running.membership.epoch()?.index ?? 0)) node.running.membership.update(each)
        }
        node.running.membership.update(epoch)
      }
    },
    epochFor(node, places) {
      node.running.membership.update(nextEpoch(places))
    },
    membersFor: (account) =>
      running().filter(({ key, running: { membership } }) => membership.swarmOf(account)?.members.includes(key)),
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node.stop()
      await started.disposeAsync()
    },
  }
}

/** An account of its own place on the ring for each number. */
export function anAccountAnywhere(number: number): AccountId {
  const account = parseAccountId(`05${createHash('sha256').update(`account ${number}`).digest('hex')}`)
  if (account === undefined) throw new Error('Not an account')
  return account
}

/** Messages of as many accounts, some each. */
export function someMessages(accounts: number, each = 2): StoredMessage[] {
  const timestampMs = systemClock.nowMs()
  return Array.from({ length: accounts * each }, (_, number) => {
    const account = anAccountAnywhere(number % accounts)
    const data = Buffer.from(`message ${number}`)
    const namespace = 0
    return {
      account,
      namespace,
      data,
      timestampMs,
      expiryMs: timestampMs + DAY,
      hash: hashMessage(account, namespace, data),
    }
  })
}

/** Stores each message at every running member of its swarm. */
export async function storeEverywhere(network: ChangingNetwork, messages: readonly StoredMessage[]): Promise<void> {
  await Promise.all(
    messages.flatMap((message) =>
      network.membersFor(message.account).map(({ running }) => running.store.store(message)),
    ),
  )
}

/** Waits until every running node has fetched what is new to it. */
export async function untilJoined(network: ChangingNetwork): Promise<void> {
  const isDone = ({ isRunning, running }: ChangingNode) =>
    !isRunning || running.replication.status()?.joining.share === 1
  await eventually(
    'every node has all of its accounts',
    () => network.nodes.every((node) => !node.isRunning || isDone(node)) || undefined,
    20_000,
  )
}

/** Waits until each message is held by exactly the running members of its swarm. */
export async function untilPlaced(network: ChangingNetwork, messages: readonly StoredMessage[]): Promise<void> {
  const isPlaced = async (message: StoredMessage) => {
    const members = network.membersFor(message.account)
    const nodes = network.nodes.filter(({ isRunning }) => isRunning)
    const held = await Promise.all(nodes.map((node) => node.holds(message)))
    return nodes.every((node, index) => held[index] === members.includes(node))
  }
  await eventually(
    'each message is where it belongs, and only there',
    async () => (await Promise.all(messages.map(isPlaced))).every(Boolean) || undefined,
    20_000,
  )
}
