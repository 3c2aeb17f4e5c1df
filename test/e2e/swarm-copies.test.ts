// Each message is kept by every member of one swarm, until its end and by nobody else: real nodes and a real chain.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodesThatHold } from '../../devnet/copies.ts'
import type { Devnet, DevnetNode } from '../../devnet/network.ts'
import { callNode } from '../../devnet/node-request.ts'
import { membersOnChain, swarmOf, swarmsOf } from '../../devnet/swarms.ts'
import { fromBase64, utf8 } from '../../src/base/bytes.ts'
import { SECOND } from '../../src/base/clock.ts'
import {
  type Account,
  createClient,
  type Envelope,
  type MessageHash,
  type ReceivedMessage,
  type Route,
  retrieveRequest,
  type StoreReceipt,
  storeRequest,
} from '../../src/client/index.ts'
import { verifySignature } from '../../src/crypto/signature.ts'
import { storeResultSignedText } from '../../src/protocol/client-api/store.ts'
import { type ServiceNodeKey, serviceNodeKeyBytes, swarmIdText } from '../../src/protocol/service-node.ts'
import type { SwarmRange } from '../../src/swarm/placement.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { newAccount, newAccountWhere } from '../support/people.ts'
import { isRunning } from '../support/processes.ts'

/** Two swarms of five or more. */
const NODES = 12
const MEMBERS_MIN = 5
/** Above the shortest that nodes take, 10 s, so that a busy machine sees the message before it ends. */
const SHORT_TTL_MS = 15 * SECOND

let devnet: Devnet & { folder: string }
/** From the contract, not from any node. */
let swarms: readonly SwarmRange[]

const alice = newAccount()
const bob = newAccount()
/** Members of the swarm that keeps Bob's messages, and all others. */
let members: readonly DevnetNode[]
let strangers: readonly DevnetNode[]

beforeAll(async () => {
  devnet = await startTestDevnet({ nodes: NODES, swarmsMin: 2 })
  swarms = swarmsOf(await membersOnChain(devnet.chain), devnet.chain)
  const { members: keys } = swarmOf(bob.id, swarms)
  members = devnet.nodes.filter(({ key }) => keys.includes(key))
  strangers = devnet.nodes.filter(({ key }) => !keys.includes(key))
})

afterAll(() => devnet?.[Symbol.asyncDispose]())

describe('copies', () => {
  test('are on every member of the recipient’s swarm, five or more, and on no other node', async () => {
    const { receipt, route } = await send('One copy for each member')
    expect(members.length).toBeGreaterThanOrEqual(MEMBERS_MIN)
    expect(strangers.length).toBeGreaterThanOrEqual(MEMBERS_MIN)
    expect(members.map(({ key }) => key)).toContain(route.destination.key)
    expect(receipt).toMatchObject({ confirmations: members.length, members: members.length })
    expect(keysOf(await nodesThatHold(receipt.hash, bob, devnet.nodes))).toEqual(keysOf(members))
  })

  test('are signed for by each member for itself, with the key of its stake', async () => {
    const [entry] = members
    const { status, body } = await callNode(entry as DevnetNode, 'store', storeFor(bob).params)
    expect(status).toBe(200)
    const results = (body as { swarm: Record<ServiceNodeKey, { hash: MessageHash; signature: string }> }).swarm
    expect(Object.keys(results).sort()).toEqual(keysOf(members))
    for (const { key } of members) {
      const { hash, signature } = results[key] as { hash: MessageHash; signature: string }
      const by = (text: Uint8Array, signer: ServiceNodeKey) =>
        verifySignature(fromBase64(signature) ?? new Uint8Array(), text, serviceNodeKeyBytes(signer))
      expect(by(storeResultSignedText(hash), key)).toBe(true)
      expect(
        by(storeResultSignedText(`${hash.slice(0, -1)}${hash.endsWith('A') ? 'B' : 'A'}` as MessageHash), key),
      ).toBe(false)
      for (const other of members) if (other.key !== key) expect(by(storeResultSignedText(hash), other.key)).toBe(false)
    }
  })
})

describe('an account of another swarm', () => {
  test.each(['retrieve', 'store', 'get_swarm'] as const)('asked for by %s, is sent to its own', async (method) => {
    const { id } = swarmOf(bob.id, swarms)
    for (const node of strangers) {
      const { params } =
        method === 'retrieve' ? retrieveRequest({ namespace: 0, timestampMs: Date.now() }, bob) : storeFor(bob)
      const { status, body } = await callNode(node, method, params)
      expect(status).toBe(method === 'get_swarm' ? 200 : 421)
      const { swarm, snodes } = body as { swarm: string; snodes: Record<string, unknown>[] }
      expect(swarm).toBe(swarmIdText(id))
      const told = snodes.map((one) => [one['pubkey_ed25519'], one['ip'], one['port_https'], one['pubkey_x25519']])
      const right = members.map((member) => [member.key, member.ip, member.httpsPort, member.x25519])
      expect(told.sort()).toEqual(right.sort())
    }
  })

  test('is served by each member of that swarm', async () => {
    const { receipt } = await send('Any member can be asked')
    expect(keysOf(await nodesThatHold(receipt.hash, bob, members))).toEqual(keysOf(members))
  })

  test('exists in each swarm: every node serves some accounts and refuses others', async () => {
    for (const swarm of swarms) {
      const account = newAccountWhere(({ id }) => swarmOf(id, swarms).id === swarm.id)
      for (const node of devnet.nodes) {
        const { status } = await callNode(node, 'store', storeFor(account).params)
        expect([node.index, status]).toEqual([node.index, swarm.members.includes(node.key) ? 200 : 421])
      }
    }
  })
})

describe('a message at its expiry', () => {
  test('is gone from every member, and not before', async () => {
    const lasting = await send('Lasting')
    const sentMs = Date.now()
    const { receipt } = await send('Short-lived', SHORT_TTL_MS)
    expect(receipt.expiryMs).toBeLessThanOrEqual(Date.now() + SHORT_TTL_MS)
    expect(receipt.expiryMs).toBeGreaterThanOrEqual(sentMs)

    let asked = 0
    await eventually('the message is gone everywhere', async () => {
      const startMs = Date.now()
      const holders = await nodesThatHold(receipt.hash, bob, members)
      // An answer that came before the end must have the message; one that was asked for after it must not.
      if (Date.now() < receipt.expiryMs) {
        asked++
        expect(keysOf(holders)).toEqual(keysOf(members))
      }
      if (startMs < receipt.expiryMs) return undefined
      expect(keysOf(holders)).toEqual([])
      return true
    })
    expect(asked).toBeGreaterThan(0)
    expect(keysOf(await nodesThatHold(lasting.receipt.hash, bob, members))).toEqual(keysOf(members))
    expect((await read(bob)).map(({ hash }) => hash)).toEqual(expect.not.arrayContaining([receipt.hash]))
  })
})

describe('after kill -9 of', () => {
  test('a member that only keeps a copy, the message is read, and the member has it when it is back', async () => {
    const { receipt, route } = await send('Survives one member')
    const victim = members.find(({ key }) => key !== route.destination.key) as DevnetNode
    await kill(victim)
    expect(await texts(bob)).toContain('Survives one member')

    const meanwhile = await send('Sent while one member is dead')
    expect(meanwhile.receipt.confirmations).toBe(members.length - 1)
    expect(await texts(bob)).toContain('Sent while one member is dead')

    await devnet.start(victim)
    expect(keysOf(await nodesThatHold(receipt.hash, bob, [victim]))).toEqual([victim.key])
  })

  test('the member that took it in, the message is read', async () => {
    const { receipt, route } = await send('Survives its entry node')
    const entry = members.find(({ key }) => key === route.destination.key) as DevnetNode
    await kill(entry)
    const alive = members.filter((member) => member !== entry)
    expect(keysOf(await nodesThatHold(receipt.hash, bob, alive))).toEqual(keysOf(alive))
    expect(await texts(bob)).toContain('Survives its entry node')
    await devnet.start(entry)
    expect(keysOf(await nodesThatHold(receipt.hash, bob, [entry]))).toEqual([entry.key])
  })

  test('the first hop of a client’s path, the same client goes on', async () => {
    await send('Survives the guard')
    const routes: Route[] = []
    await using client = createClient({ seeds: [devnet.seed], account: bob, onRoute: (route) => routes.push(route) })
    expect((await client.receiveMessages()).messages.map(({ text }) => text)).toContain('Survives the guard')
    const guards = client.guards()
    const guard = devnet.nodes.find(({ key }) => key === guards[0]) as DevnetNode
    await kill(guard)
    await send('Sent after the guard was gone')
    const answered = routes.length
    expect((await client.receiveMessages()).messages.map(({ text }) => text)).toContain('Sent after the guard was gone')
    expect(routes.slice(answered).map(({ hops }) => hops[0]?.key)).not.toContain(guard.key)
    await devnet.start(guard)
  })
})

/** Some bytes for an account's inbox. */
function storeFor({ id }: Account): Envelope {
  const data = utf8('Bytes that each member signs for')
  return storeRequest({ account: id, namespace: 0, data, timestampMs: Date.now(), ttlMs: 60 * SECOND }, undefined)
}

/** Alice writes to Bob. */
async function send(text: string, ttlMs?: number): Promise<{ receipt: StoreReceipt; route: Route }> {
  const routes: Route[] = []
  await using client = createClient({ seeds: [devnet.seed], account: alice, onRoute: (route) => routes.push(route) })
  const receipt = await client.sendMessage(bob.id, text, ttlMs === undefined ? {} : { ttlMs })
  const route = routes.findLast(({ method }) => method === 'store')
  if (route === undefined) throw new Error('No store was answered')
  return { receipt, route }
}

async function read(account: Account): Promise<readonly ReceivedMessage[]> {
  await using client = createClient({ seeds: [devnet.seed], account })
  return (await client.receiveMessages()).messages
}

async function texts(account: Account): Promise<readonly string[]> {
  return (await read(account)).map(({ text }) => text)
}

/** Without a chance to say goodbye. */
async function kill({ runner }: DevnetNode): Promise<void> {
  const { pid } = runner
  await runner.stop('SIGKILL')
  expect(pid !== undefined && isRunning(pid)).toBe(false)
}

function keysOf(nodes: readonly DevnetNode[]): readonly ServiceNodeKey[] {
  return nodes.map(({ key }) => key).sort()
}
