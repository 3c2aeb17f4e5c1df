// Whole client requests, from their JSON to the answer: a store against LevelDB alone with the same bytes and the same flushes, and
// a poll that finds nothing new against the check of its signature alone.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sodium from 'sodium-native'
import { asBuffer, toBase64, toHex, utf8 } from '../src/base/bytes.ts'
import { DAY, systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { createMetricsRegistry } from '../src/base/metrics.ts'
import { ed25519KeyPairFromSeed, toX25519PublicKey } from '../src/crypto/keys.ts'
import { sign } from '../src/crypto/signature.ts'
import { retrieveSignedText } from '../src/protocol/client-api/retrieve.ts'
import type { JsonObject } from '../src/protocol/json.ts'
import { hashMessage } from '../src/protocol/message.ts'
import { serviceNodeKey } from '../src/protocol/service-node.ts'
import { createRpcMetrics } from '../src/rpc/metrics.ts'
import { defaultRpcOptions } from '../src/rpc/options.ts'
import { createRpcHandler, type RpcHandler } from '../src/rpc/rpc-handler.ts'
import { openDatabase } from '../src/storage/database.ts'
import { openMessageStore } from '../src/storage/level-message-store.ts'
import type { MessageStore } from '../src/storage/message-store.ts'
import { createStorageMetrics } from '../src/storage/metrics.ts'
import { defaultStorageOptions } from '../src/storage/options.ts'
import { type Benchmark, compare, type Ratio } from './ratio.ts'

/** Requests that are under way at once, and so share a flush. */
const AT_ONCE = 128
const MESSAGE_BYTES = 1_024
const NODE = ed25519KeyPairFromSeed(randomBytes(32))
const OWNER = ed25519KeyPairFromSeed(randomBytes(32))
const ACCOUNT = `05${toHex(toX25519PublicKey(OWNER.publicKey))}`

/** One account gets all requests here. */
const UNLIMITED = { burst: 1e9, perSecond: 1e9 }

/** The clock stands still for polls, which are signed once. */
const NOW_MS = Date.now()

export const benchmark: Benchmark = {
  name: 'store-request',
  async run() {
    const folder = await mkdtemp(join(tmpdir(), 'starling-bench-'))
    try {
      return [await storing(join(folder, 'store'), join(folder, 'bare')), await polling(join(folder, 'polled'))]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function storing(path: string, barePath: string): Promise<Ratio> {
  await using store = await openStore(path)
  await using bare = await openDatabase({ ...defaultStorageOptions, path: barePath })
  const rpc = createHandler(store, () => Date.now())
  const rates = await compare(
    // What the client does to write its request counts here too: a fiftieth of the whole.
    () => Promise.all(Array.from({ length: AT_ONCE }, () => succeed(rpc, storeRequest()))),
    () => {
      const batch = bare.batch()
      for (let count = 0; count < AT_ONCE; count++) batch.put(randomBytes(32), randomBytes(MESSAGE_BYTES))
      return batch.write({ sync: true })
    },
  )
  return ratio('store request of 1 KiB, flushed', 'bare LevelDB batches of the same bytes', rates, 0.15)
}

async function polling(path: string): Promise<Ratio> {
  await using store = await openStore(path)
  const rpc = createHandler(store, () => NOW_MS)
  for (let count = 0; count < 30; count++) await succeed(rpc, storeRequest())
  const newest = Buffer.from('the newest message')
  await succeed(rpc, storeRequest(newest))
  const text = retrieveSignedText(0, NOW_MS)
  const signature = sign(text, OWNER.secretKey)
  const poll = request('retrieve', {
    pubkey: ACCOUNT,
    pubkey_ed25519: toHex(OWNER.publicKey),
    timestamp: NOW_MS,
    signature: toBase64(signature),
    last_hash: hashMessage(ACCOUNT as Parameters<typeof hashMessage>[0], 0, newest),
  })
  const rates = await compare(
    () => Promise.all(Array.from({ length: AT_ONCE }, () => succeed(rpc, poll))),
    () => {
      for (let count = 0; count < AT_ONCE; count++) {
        sodium.crypto_sign_verify_detached(asBuffer(signature), asBuffer(text), asBuffer(OWNER.publicKey))
      }
    },
  )
  return ratio('signed poll with nothing new', 'bare sodium signature checks', rates, 0.3)
}

function openStore(path: string): Promise<MessageStore> {
  return openMessageStore(
    { log: silentLogger, clock: systemClock, metrics: createStorageMetrics(createMetricsRegistry()) },
    { ...defaultStorageOptions, accountMessagesMax: 1e9, accountBytesMax: 1e12, path },
  )
}

/** A node that is alone in its swarm: what the other members do costs their time. */
function createHandler(messages: MessageStore, nowMs: () => number): RpcHandler {
  const key = serviceNodeKey(NODE.publicKey)
  return createRpcHandler(
    {
      log: silentLogger,
      clock: { nowMs, monotonicMs: () => performance.now() },
      metrics: createRpcMetrics(createMetricsRegistry()),
      identity: { key, sign: (bytes) => sign(bytes, NODE.secretKey) },
      messages,
      revocations: messages.revocations,
      swarm: {
        swarmOf: () => ({ id: 0n, members: [key] }),
        serves: () => true,
        replicas: () => [],
        swarmOfMember: () => 0n,
        epoch: () => undefined,
        onChange: () => () => {},
      },
      contacts: { contact: () => undefined },
      replication: { forward: async () => new Map() },
      info: { version: [0, 0, 0] },
      signReward: async () => new Uint8Array(),
      readiness: () => [],
    },
    {
      ...defaultRpcOptions,
      accountRates: { ...defaultRpcOptions.accountRates, reads: UNLIMITED, openWrites: UNLIMITED },
    },
  )
}

function storeRequest(data: Buffer = randomBytes(MESSAGE_BYTES)): Uint8Array {
  return request('store', { pubkey: ACCOUNT, timestamp: NOW_MS, ttl: 14 * DAY, data: toBase64(data) })
}

function request(method: string, params: JsonObject): Uint8Array {
  return utf8(JSON.stringify({ method, params }))
}

const stopping = new AbortController().signal

/** The answer in the bytes that a client would get. */
async function succeed(rpc: RpcHandler, body: Uint8Array): Promise<Uint8Array> {
  const { status, body: answer } = await rpc.handleJson(body, stopping, 'https')
  if (status !== 200) throw new Error(`Answered ${status}: ${JSON.stringify(answer)}`)
  return utf8(JSON.stringify(answer))
}

function ratio(name: string, limitName: string, rates: { ours: number; limit: number }, goal: number): Ratio {
  return { name, ours: rates.ours * AT_ONCE, limitName, limit: rates.limit * AT_ONCE, goal }
}
