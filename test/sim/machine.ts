// A simulated machine: its disk outlives its processes, each of which is made of the node's own parts.
import type { TimestampMs } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { type Ed25519KeyPair, ed25519KeyPairFromSeed } from '../../src/crypto/keys.ts'
import { sign } from '../../src/crypto/signature.ts'
import { createNodeReplication } from '../../src/node/replication.ts'
import type { AccountId } from '../../src/protocol/account.ts'
import type { ClientAnswer, Envelope } from '../../src/protocol/client-api/envelope.ts'
import type { ContentsCursor } from '../../src/protocol/contents.ts'
import type { MessageHash, StoredMessage } from '../../src/protocol/message.ts'
import type { NetworkId } from '../../src/protocol/network-id.ts'
import type { PeerProtocol } from '../../src/protocol/peer-api/peer-request.ts'
import { type MembershipEpoch, type ServiceNodeKey, serviceNodeKey } from '../../src/protocol/service-node.ts'
import { createRpcMetrics } from '../../src/rpc/metrics.ts'
import { defaultRpcOptions } from '../../src/rpc/options.ts'
import { createRpcHandler, type RpcHandler } from '../../src/rpc/rpc-handler.ts'
import { openMessageStore } from '../../src/storage/level-message-store.ts'
import type { MessageStore } from '../../src/storage/message-store.ts'
import { createStorageMetrics } from '../../src/storage/metrics.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'
import { createSwarmMembership, type SwarmMembership } from '../../src/swarm/membership.ts'
import { createSwarmMetrics } from '../../src/swarm/metrics.ts'
import { defaultSwarmOptions } from '../../src/swarm/options.ts'
import { type DiskChance, SimulatedDisk } from './disk.ts'
import type { Handler, SimulatedNetwork } from './network.ts'
import { noMetrics } from './no-metrics.ts'
import { LifeTime, type VirtualTime } from './virtual-time.ts'

export interface MachineComponents {
  readonly time: VirtualTime
  readonly network: SimulatedNetwork
  readonly networkId: NetworkId
  readonly diskChance: DiskChance
  /** At least 0 and below 1. */
  readonly random: () => number
}

/** One run of the node's process. */
interface Process {
  readonly life: LifeTime
  readonly store: MessageStore
  readonly membership: SwarmMembership
  readonly rpc: RpcHandler
  readonly isComplete: (account: AccountId) => boolean
}

/** Those that clients use. */
const NAMESPACES = [0, 2, -1] as const
/** So few that even the little that is held here takes several pages. */
const PAGE_BYTES = 800
const WHOLE_RING = { first: 0n, last: 2n ** 64n - 1n }
const READ_MAX_BYTES = 1024 * 1024

const isOverloaded = () => false
const neverAborted = new AbortController().signal

export class Machine {
  readonly key: ServiceNodeKey
  readonly disk: SimulatedDisk
  /** How far its wall clock is from the truth. */
  readonly wall = { skewMs: 0 }
  /** Whether its disk has been lost at any time. */
  isWiped = false
  /** Whether it began with nothing after the others. */
  wasEmpty = false
  /** Whether it is no service node any more. */
  hasLeft = false
  readonly #pair: Ed25519KeyPair
  readonly #components: MachineComponents
  readonly #sizeMin: number
  #process: Process | undefined
  #known: readonly MembershipEpoch[] = []

  constructor(components: MachineComponents, number: number, sizeMin: number) {
    this.#components = components
    this.#sizeMin = sizeMin
    this.#pair = ed25519KeyPairFromSeed(Buffer.alloc(32, 1 + number))
    this.key = serviceNodeKey(this.#pair.publicKey)
    this.disk = new SimulatedDisk(components.diskChance)
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  get store(): MessageStore | undefined {
    return this.#process?.store
  }

  get membership(): SwarmMembership | undefined {
    return this.#process?.membership
  }

  /** Whether it acknowledges nothing until it is started again. */
  get isBroken(): boolean {
    return this.#process?.store.health().writable === false
  }

  /** What its clock shows. */
  get nowMs(): TimestampMs {
    return this.#components.time.nowMs + this.wall.skewMs
  }

  /** Whether it tells clients that what it has of an account is all. */
  isComplete(account: AccountId): boolean {
    return this.#process?.isComplete(account) === true
  }

  /** The node hears of an epoch, and keeps the last two on its disk. */
  learn(epoch: MembershipEpoch): void {
    if (this.#process === undefined || epoch.index <= (this.#known.at(-1)?.index ?? -1)) return
    this.#known = [...this.#known, epoch].slice(-2)
    this.#process.membership.update(epoch)
  }

  /** Starts a process, which knows the epochs that the node last knew; one that knows none is told. Time stands still meanwhile. */
  async start(epochs: readonly MembershipEpoch[]): Promise<void> {
    const { time, network, networkId, random } = this.#components
    const life = new LifeTime(time, this.wall)
    const registry = noMetrics
    const log = silentLogger
    const identity = { key: this.key, sign: (bytes: Uint8Array) => sign(bytes, this.#pair.secretKey) }
    this.disk.isInstant = true
    const store = await openMessageStore(
      {
        log,
        clock: life,
        timers: life,
        metrics: createStorageMetrics(registry),
        createDatabase: this.disk.opener(life),
        freeDiskBytes: async () => Number.MAX_SAFE_INTEGER,
      },
      { ...defaultStorageOptions, path: '.' },
    )
    this.disk.isInstant = false
    const metrics = createSwarmMetrics(registry)
    const comparing = { ...defaultSwarmOptions.comparing, itemsMaxBytes: PAGE_BYTES }
    const options = { ...defaultSwarmOptions, sizeMin: this.#sizeMin, comparing }
    const membership = createSwarmMembership({ self: this.key, networkId, log, metrics }, options)
    if (this.#known.length === 0) this.#known = epochs
    for (const epoch of this.#known) membership.update(epoch)
    const peers = {
      request: (
        to: ServiceNodeKey,
        protocol: PeerProtocol,
        payload: Uint8Array,
        bounds: { timeoutMs: number; signal?: AbortSignal },
      ) => network.request(this.key, to, { protocol, payload, life }, bounds),
    }
    const replication = createNodeReplication(
      {
        self: this.key,
        membership,
        peers,
        messages: store,
        isOverloaded,
        clock: life,
        timers: life,
        random,
        log,
        metrics,
      },
      options,
    )
    const rpc = createRpcHandler(
      {
        log,
        clock: life,
        metrics: createRpcMetrics(registry),
        identity,
        messages: store,
        revocations: store.revocations,
        swarm: membership,
        contacts: { contact: (key) => contactOf(key, life.nowMs()) },
        replication,
        isComplete: replication.isComplete,
        info: { version: [1, 0, 0] },
        signReward: () => Promise.reject(new Error('Nobody asks for rewards here')),
        readiness: () => [],
      },
      { ...defaultRpcOptions },
    )
    const handlers = new Map<PeerProtocol, Handler>([
      ['forward', (from, payload, signal) => rpc.handleForwarded(from, payload, signal)],
      ['contents', (from, payload, signal) => replication.handle(from, payload, signal)],
    ])
    await replication.start(rpc)
    this.#process = { life, store, membership, rpc, isComplete: replication.isComplete }
    network.attach(this.key, { life, handlers })
  }

  /** The process is killed, or the power goes: of its disk, what was flushed is left. */
  crash(): void {
    if (this.#process === undefined) return
    this.#process.life.isOver = true
    this.#process = undefined
    this.#components.network.detach(this.key)
    this.disk.crash()
  }

  /** The disk is lost, and all that the node knew with it. */
  loseDisk(): void {
    this.crash()
    this.disk.wipe()
    this.#known = []
    this.isWiped = true
  }

  /** What an account's owner can read here, with when it ends. */
  async holdings(account: AccountId): Promise<ReadonlyMap<MessageHash, StoredMessage>> {
    const held = new Map<MessageHash, StoredMessage>()
    for (const namespace of NAMESPACES) {
      const read = await this.#process?.store.retrieve({ account, namespace, sizeMax: READ_MAX_BYTES })
      for (const message of read?.messages ?? []) held.set(message.hash, message)
    }
    return held
  }

  /** What it keeps of an account's requests, for others. */
  async logged(account: AccountId): Promise<ReadonlySet<string>> {
    const texts = new Set<string>()
    const first = Number.parseInt(account.slice(2, 4), 16)
    let after: ContentsCursor | undefined
    do {
      const query = { arc: WHOLE_RING, first, last: first, after, sizeMax: READ_MAX_BYTES }
      const page = await this.#process?.store.contents.page(query)
      for (const item of page?.items ?? []) {
        if (item.kind === 'request' && item.account === account) texts.add(Buffer.from(item.payload).toString())
      }
      after = page?.next
    } while (after !== undefined)
    return texts
  }

  /** A client's request over HTTPS. Rejects when nobody listens; never settles when the process dies over it. */
  async call({ method, params }: Envelope): Promise<ClientAnswer> {
    if (this.#process === undefined) throw new Error('Nobody listens')
    const body = Buffer.from(JSON.stringify({ method, params }))
    return this.#process.rpc.handleJson(body, neverAborted, 'https')
  }
}

function contactOf(key: ServiceNodeKey, timestampMs: number) {
  return { key, ip: '192.0.2.1', httpsPort: 22_021, peerPort: 22_020, version: [1, 0, 0], timestampMs } as const
}
