// Ten thousand mutations of right requests at each entry of a node, down to the database: every one is answered, and none with a
// fault of the node's own.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import { readReplayLog } from '../../../src/onion-relay/replay-log.ts'
import type { ClientAnswer } from '../../../src/protocol/client-api/envelope.ts'
import { decodeOuterFrame } from '../../../src/protocol/onion/outer-frame.ts'
import { buildOnionRequest } from '../../../src/protocol/onion/request.ts'
import { decodeForwardedAnswer } from '../../../src/protocol/peer-api/forwarded-request.ts'
import { decodeHopAnswer, encodeHopRequest } from '../../../src/protocol/peer-api/onion-hop.ts'
import { defaultRpcOptions } from '../../../src/rpc/options.ts'
import { readEpochFile, writeEpochFile } from '../../../src/staking/epoch-file.ts'
import { StakingError } from '../../../src/staking/errors.ts'
import { createChance } from '../../support/chance.ts'
import { fuzzAsync, MUTATIONS } from '../../support/fuzz.ts'
import { createRelayNetwork, neverAborted } from '../onion-relay/relay-network.ts'
import { anAccount, createTestNetwork, START_MS, type TestNetwork } from '../rpc/rpc-fixture.ts'
import { aMember, anEpoch, NETWORK } from '../swarm/member-lists.ts'
import { METHOD_PARAMS, requestSeeds } from './method-params.ts'

/** Rates would end most requests before anything else could. */
const UNLIMITED = { burst: 1e12, perSecond: 1e12 }
const NO_RATES = {
  accountRates: { reads: UNLIMITED, writes: UNLIMITED, openReads: UNLIMITED, openWrites: UNLIMITED },
  memberRate: UNLIMITED,
  memberOpenWriteRate: UNLIMITED,
}

const alice = anAccount(1)
const owner = { pubkey: alice.id, pubkey_ed25519: alice.ed25519 }
const retrieving = {
  method: 'retrieve',
  params: { ...owner, timestamp: START_MS, max_count: 5, max_size: -3, signature: alice.sign(`retrieve${START_MS}`) },
}
const signed = [
  retrieving,
  { method: 'delete_all', params: { ...owner, timestamp: START_MS, signature: alice.sign(`delete_all${START_MS}`) } },
  { method: 'batch', params: { requests: [retrieving, { method: 'store', params: METHOD_PARAMS.store[0] }] } },
]
const seeds = [...requestSeeds(), ...signed.map((request) => utf8(JSON.stringify(request)))]

/** More than are read at once. */
const FILES = 1_000

let network: TestNetwork
let folder: string
beforeAll(async () => {
  network = await createTestNetwork(2, { rpc: { ...defaultRpcOptions, ...NO_RATES } })
  folder = await mkdtemp(join(tmpdir(), 'starling-fuzz-'))
})
afterAll(async () => {
  await network?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Whatever was asked, it is the asker's fault, or done. */
function requireAnswer({ status, body }: Pick<ClientAnswer, 'status' | 'body'>): void {
  expect({ status, body }).not.toMatchObject({ status: 500 })
  expect(status).toBeGreaterThanOrEqual(200)
  const results = (body as { results?: { code: number; body: string }[] } | null)?.results ?? []
  for (const { code, body: inner } of results) requireAnswer({ status: code, body: inner })
}

test('requests of clients, over HTTPS and through onions', async () => {
  const { first } = network
  const decode = async (bytes: Buffer) => {
    requireAnswer(await first.handleJson(bytes, neverAborted(), 'https'))
    requireAnswer(await first.handleOnionRpc(bytes))
  }
  await fuzzAsync({ name: 'handleJson', seeds, decode }, createChance(), MUTATIONS / 2)
})

test('requests that members pass on', async () => {
  const [first, second] = network.nodes
  if (first === undefined || second === undefined) throw new Error('The network is too small')
  const passedOn = seeds.map((seed) => {
    const { method, params } = JSON.parse(Buffer.from(seed).toString())
    return utf8(JSON.stringify({ method, params, receivedMs: START_MS, stamp: START_MS * 1000 }))
  })
  const decode = async (bytes: Buffer) => {
    requireAnswer(decodeForwardedAnswer(await first.handleForwarded(second.key, bytes, neverAborted())))
  }
  await fuzzAsync({ name: 'handleForwarded', seeds: passedOn, decode }, createChance())
})

test('requests for the list that a seed has', async () => {
  const decode = async (bytes: Buffer) =>
    expect(await network.first.handleJsonRpc(bytes)).toMatchObject({ jsonrpc: '2.0' })
  const params = { fields: { public_ip: true }, limit: 3, active_only: true }
  const seed = utf8(JSON.stringify({ jsonrpc: '2.0', id: '0', method: 'get_n_service_nodes', params }))
  await fuzzAsync({ name: 'handleJsonRpc', seeds: [seed], decode }, createChance())
})

test('onion requests of clients and of hops', async () => {
  await using relays = await createRelayNetwork({
    rpc: { handleOnionRpc: (payload) => network.first.handleOnionRpc(payload) },
  })
  const built = (encryption: 'aes-gcm' | 'xchacha20') =>
    buildOnionRequest({
      path: [relays.node(0).pathNode],
      destination: { kind: 'service-node', ...relays.node(1).pathNode },
      payload: seeds[0] ?? utf8('{}'),
      encryption,
    }).body
  const bodies = [built('aes-gcm'), built('xchacha20')]
  const frames = bodies.map((body) => encodeHopRequest({ ...decodeOuterFrame(body), hopNumber: 1 }))
  const { relay } = relays.node(0)
  const fromClient = async (bytes: Buffer) => {
    expect([200, 400, 502]).toContain((await relay.handleClientRequest(bytes, neverAborted())).status)
  }
  await fuzzAsync({ name: 'handleClientRequest', seeds: bodies, decode: fromClient }, createChance())
  const fromHop = async (bytes: Buffer) => {
    const answer = await relay.handleHop(relays.node(2).key, bytes, neverAborted())
    expect([200, 400, 502]).toContain(decodeHopAnswer(answer).status)
  }
  await fuzzAsync({ name: 'handleHop', seeds: frames, decode: fromHop }, createChance())
})

test('files that this node has written itself', async () => {
  let files = 0
  const inFile = async <T>(bytes: Buffer, read: (path: string) => Promise<T>) => {
    const path = join(folder, String(files++ % FILES))
    await writeFile(path, bytes)
    return read(path)
  }
  const log = Buffer.concat([utf8('STRLRPL1'), Buffer.alloc(8 + 5 * 8, 1)])
  const readLog = (bytes: Buffer) => inFile(bytes, readReplayLog)
  await fuzzAsync({ name: 'readReplayLog', seeds: [log], decode: readLog }, createChance())

  const scope = { network: NETWORK, epochLengthS: 600 }
  const path = join(folder, 'epochs')
  await writeEpochFile(path, scope, { current: anEpoch(7, [aMember(1), aMember(2)]), previous: undefined })
  const readEpochs = (bytes: Buffer) =>
    inFile(bytes, (file) =>
      readEpochFile(file, scope).catch((error: unknown) => {
        if (!(error instanceof StakingError)) throw error
      }),
    )
  await fuzzAsync({ name: 'readEpochFile', seeds: [await readFile(path)], decode: readEpochs }, createChance())
})
