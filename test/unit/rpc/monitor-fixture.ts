// Subscribers on real WebSockets, to the HTTPS server of a node with a real store.
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { type RawData, WebSocket } from 'ws'
import { fromUtf8, toBase64, toHex } from '../../../src/base/bytes.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { type AccountId, accountIdBytes } from '../../../src/protocol/account.ts'
import { type BencodeValue, decodeBencode, encodeBencode } from '../../../src/protocol/bencode.ts'
import { monitorSignedText } from '../../../src/protocol/client-api/monitor.ts'
import type { MonitorForm } from '../../../src/protocol/client-api/monitor-frame.ts'
import type { MonitorOptions } from '../../../src/rpc/monitor/options.ts'
import { defaultMonitorOptions } from '../../../src/rpc/monitor/options.ts'
import { defaultRpcOptions, type RpcOptions } from '../../../src/rpc/options.ts'
import { startTestServer, type TestServer } from './https-fixture.ts'
import {
  anAccount,
  createTestNetwork,
  type NetworkOptions,
  START_MS,
  type TestAccount,
  type TestNetwork,
} from './rpc-fixture.ts'

export const alice = anAccount(1)
export const NOW_S = START_MS / 1000

/** A subscription in either form, signed. Fields that are given replace those that it would have. */
export interface SubscriptionFields {
  readonly namespaces?: readonly number[]
  readonly wantsData?: boolean
  readonly timestampS?: number
  /** The group's account instead of the Session id. */
  readonly isGroup?: boolean
  readonly subaccount?: { readonly member: TestAccount; readonly token: Uint8Array }
}

interface Fields {
  readonly P?: Uint8Array
  readonly p?: Uint8Array
  readonly S?: Uint8Array
  readonly T?: Uint8Array
  readonly d?: number
  readonly n: readonly number[]
  readonly s: Uint8Array
  readonly t: number
}

export function subscription(owner: TestAccount, changes: SubscriptionFields = {}): Fields {
  const { namespaces = [0], wantsData = false, timestampS = NOW_S, isGroup = false, subaccount } = changes
  const account: AccountId = isGroup ? owner.groupId : owner.id
  const signer = subaccount?.member ?? owner
  const text = monitorSignedText(account, { timestampS, wantsData, namespaces })
  return {
    ...(isGroup ? { p: accountIdBytes(account) } : { P: owner.pair.publicKey }),
    ...(subaccount && { S: sign(subaccount.token, owner.pair.secretKey), T: subaccount.token }),
    ...(wantsData && { d: 1 }),
    n: namespaces,
    s: sign(text, signer.pair.secretKey),
    t: timestampS,
  }
}

export function bencodeForm(fields: object): BencodeValue {
  return new Map(Object.entries(fields) as [string, BencodeValue][])
}

/** Keys in hex, the rest in base64, as the documentation has it. */
export function jsonForm(fields: object): Record<string, unknown> {
  const text = (key: string, bytes: Uint8Array) => (key === 'P' || key === 'p' ? toHex(bytes) : toBase64(bytes))
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Uint8Array ? text(key, value) : value]),
  )
}

/** Bencode as JSON: text where bytes are text, hex where they are not. */
function readable(value: BencodeValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [key, readable(inner)]))
  if (Array.isArray(value)) return value.map(readable)
  if (!(value instanceof Uint8Array)) return value
  const text = fromUtf8(value)
  return text !== undefined && /^[ -~]*$/.test(text) ? text : toHex(value)
}

export interface TestSubscriber {
  readonly socket: WebSocket
  send(form: MonitorForm, fields: object | readonly object[]): void
  sendBytes(bytes: Uint8Array, form: MonitorForm): void
  /** The next frame, and the form that it came in. */
  next(): Promise<{ readonly form: MonitorForm; readonly value: unknown }>
  /** Frames that came and were not asked for. */
  readonly unread: number
  /** Sends a subscription and gives its answer. */
  ask(form: MonitorForm, fields: object | readonly object[]): Promise<unknown>
  /** Once everything that the server had sent before has arrived. */
  settled(): Promise<void>
  /** The code with which the server closed. */
  readonly closed: Promise<number>
}

export async function connectSubscriber(
  server: Pick<TestServer, 'port'>,
  options: object = {},
): Promise<TestSubscriber> {
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}/monitor/v1`, { rejectUnauthorized: false, ...options })
  const frames: { form: MonitorForm; value: unknown }[] = []
  const waiting: ((frame: { form: MonitorForm; value: unknown }) => void)[] = []
  socket.on('message', (data: RawData, isBinary: boolean) => {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.alloc(0)
    const frame = isBinary
      ? { form: 'bencode' as const, value: readable(decodeBencode(bytes)) }
      : { form: 'json' as const, value: JSON.parse(bytes.toString()) as unknown }
    const next = waiting.shift()
    if (next === undefined) frames.push(frame)
    else next(frame)
  })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await once(socket, 'open')
  // A connection that the server ends roughly is an outcome here.
  socket.on('error', () => {})
  const subscriber: TestSubscriber = {
    socket,
    closed,
    get unread() {
      return frames.length
    },
    sendBytes: (bytes, form) => socket.send(bytes, { binary: form === 'bencode' }),
    send(form, fields) {
      const list = Array.isArray(fields) ? (fields as readonly object[]) : undefined
      if (form === 'json') {
        this.sendBytes(Buffer.from(JSON.stringify(list?.map(jsonForm) ?? jsonForm(fields))), form)
      } else this.sendBytes(encodeBencode(list?.map(bencodeForm) ?? bencodeForm(fields)), form)
    },
    next() {
      const frame = frames.shift()
      if (frame !== undefined) return Promise.resolve(frame)
      return new Promise((resolve) => waiting.push(resolve))
    },
    async ask(form, fields) {
      this.send(form, fields)
      return (await this.next()).value
    },
    async settled() {
      const pong = once(socket, 'pong')
      socket.ping()
      await pong
    },
  }
  return subscriber
}

export interface MonitorNetwork extends AsyncDisposable {
  readonly network: TestNetwork
  readonly server: TestServer
  connect(options?: object): Promise<TestSubscriber>
  /** Stores over the first node's entry and gives the hash. */
  store(fields?: StoreFields): Promise<string>
  /** The value of a metric of the first node; 0 for one that was never counted. */
  metric(line: string): Promise<number>
}

export interface StoreFields {
  readonly account?: AccountId
  readonly signer?: TestAccount
  readonly namespace?: number
  readonly data?: string
  /** Index of the node that is asked. */
  readonly at?: number
}

export interface MonitorNetworkOptions extends NetworkOptions {
  readonly size?: number
  readonly monitor?: Partial<MonitorOptions>
}

let stored = 0

/** Gone when the test ends, at the latest. */
export async function startMonitorNetwork(options: MonitorNetworkOptions = {}): Promise<MonitorNetwork> {
  await using stack = new AsyncDisposableStack()
  const monitor = { ...defaultMonitorOptions, ...options.monitor }
  const rpc: RpcOptions = { ...defaultRpcOptions, ...options.rpc, monitor }
  const network = stack.use(await createTestNetwork(options.size ?? 1, { ...options, rpc }))
  const server = stack.use(await startTestServer({ ...options.rpc, monitor }, { rpc: network.first }))
  const subscribers: TestSubscriber[] = []
  stack.defer(() => {
    for (const { socket } of subscribers) socket.terminate()
  })
  const parts = stack.move()
  onTestFinished(() => parts.disposeAsync())
  return {
    network,
    server,
    async connect(connection) {
      const subscriber = await connectSubscriber(server, connection)
      subscribers.push(subscriber)
      return subscriber
    },
    async store({ account = alice.id, signer = alice, namespace = 0, data = `message ${stored++}`, at = 0 } = {}) {
      const node = network.nodes[at]
      const nowMs = network.first.store.clock.nowMs()
      const text = `store${namespace === 0 ? '' : namespace}${nowMs}`
      const answer = await node?.call('store', {
        pubkey: account,
        namespace,
        timestamp: nowMs,
        ttl: 86_400_000,
        data: Buffer.from(data).toString('base64'),
        ...(namespace % 10 !== 0 && {
          signature: signer.sign(text),
          ...(account === signer.id && { pubkey_ed25519: signer.ed25519 }),
        }),
      })
      if (answer?.status !== 200) throw new Error(`Not stored: ${JSON.stringify(answer?.body)}`)
      return String(answer.json['hash'])
    },
    async metric(line) {
      const exposed = [await network.first.exposeMetrics(), await server.exposeMetrics()].join('\n')
      return exposed
        .split('\n')
        .filter((each) => each.startsWith(`${line} `))
        .reduce((sum, each) => sum + Number(each.slice(line.length + 1)), 0)
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
