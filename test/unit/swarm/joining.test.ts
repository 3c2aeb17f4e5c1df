import { expect, test } from 'vitest'
import { toBase64 } from '../../../src/base/bytes.ts'
import { HOUR } from '../../../src/base/clock.ts'
import { encodeContentsAnswer } from '../../../src/protocol/peer-api/contents-answer.ts'
import type { ContentsRequest } from '../../../src/protocol/peer-api/contents-exchange.ts'
import { decodeContentsRequest } from '../../../src/protocol/peer-api/contents-request.ts'
import { encodeForwardedRequest } from '../../../src/protocol/peer-api/forwarded-request.ts'
import { PeerRequestError } from '../../../src/protocol/peer-api/peer-request-error.ts'
import { defaultSwarmOptions } from '../../../src/swarm/options.ts'
import { eventually } from '../../support/eventually.ts'
import { anAccount } from '../rpc/rpc-fixture.ts'
import {
  anAccountAnywhere,
  type ChangingNetwork,
  type ChangingNode,
  createChangingNetwork,
  type Lie,
  someMessages,
  storeEverywhere,
  untilJoined,
  untilPlaced,
} from './changing-network.ts'

const alice = anAccount(7)

/** Where anyone may read and write. */
const OPEN = -10

function nodeAt({ nodes }: ChangingNetwork, place: number): ChangingNode {
  return nodes[place] ?? expect.unreachable()
}

async function startAll({ nodes }: ChangingNetwork, places: readonly number[]): Promise<void> {
  await Promise.all(places.map((place) => nodes[place]?.start()))
}

/** Two full members of one swarm, and a third to come. */
async function aSwarmOfTwo(accounts: number) {
  const network = await createChangingNetwork(3)
  network.epoch([0, 1])
  await startAll(network, [0, 1])
  await untilJoined(network)
  const messages = someMessages(accounts)
  await storeEverywhere(network, messages)
  const [first, second, newcomer] = network.nodes as [ChangingNode, ChangingNode, ChangingNode]
  return { network, messages, first, second, newcomer }
}

const busy = async () => {
  throw new PeerRequestError('PEER_BUSY', 'Later')
}

type Page = Extract<ContentsRequest, { kind: 'page' }>

/** Does as it should, but for pages. */
function onPages(answer: (page: Page, truth: () => Promise<Uint8Array>) => Promise<Uint8Array>): Lie {
  return (protocol, payload, truth) => {
    const request = protocol === 'contents' ? decodeContentsRequest(payload) : undefined
    return request?.kind === 'page' ? answer(request, truth) : truth()
  }
}

/** Does as it should, and notes what it is asked for. */
function listening(pages: Page[]): Lie {
  return onPages((page, truth) => {
    pages.push(page)
    return truth()
  })
}

function retrieve(node: ChangingNode, account: string) {
  return node.call('retrieve', { pubkey: account, namespace: OPEN })
}

test('a network that starts empty is complete at once, also with a single member', async () => {
  await using network = await createChangingNetwork(4)
  network.epoch([0, 1, 2])
  await startAll(network, [0, 1, 2])
  await untilJoined(network)
  await using alone = await createChangingNetwork(1)
  alone.epoch([0])
  await startAll(alone, [0])
  await untilJoined(alone)
})

test('a new member fetches everything, different ranges from different members', async () => {
  const { network, messages, first, second, newcomer } = await aSwarmOfTwo(60)
  await using _ = network
  const asked: [Page[], Page[]] = [[], []]
  first.lie = listening(asked[0])
  second.lie = listening(asked[1])
  network.epoch([0, 1, 2])
  await newcomer.start()
  await untilPlaced(network, messages)
  await untilJoined(network)
  for (const pages of asked) expect(pages.length).toBeGreaterThan(0)
})

test('until it has an account, a new member does not tell clients of a part of it; writes it takes', async () => {
  const { network, messages, first, second, newcomer } = await aSwarmOfTwo(5)
  await using _ = network
  for (const source of [first, second]) source.lie = busy
  network.epoch([0, 1, 2])
  await newcomer.start()
  const account = anAccountAnywhere(0)
  expect(await retrieve(newcomer, account)).toEqual({
    status: 503,
    body: 'The account is being handed over to this service node, ask another member of its swarm',
    retryAfterSeconds: 5,
  })
  expect((await retrieve(first, account)).status).toBe(200)
  const data = toBase64(Buffer.from('written meanwhile'))
  const store = await newcomer.call('store', {
    pubkey: account,
    namespace: OPEN,
    timestamp: Date.now(),
    ttl: 60_000,
    data,
  })
  expect(store.status).toBe(200)
  for (const source of [first, second]) source.lie = undefined
  await untilJoined(network)
  await untilPlaced(network, messages)
  expect((await retrieve(newcomer, account)).body).toMatchObject({ messages: [{ data }] })
})

test('a member that is stopped while it fetches goes on where it was', async () => {
  const { network, messages, first, second, newcomer } = await aSwarmOfTwo(60)
  await using _ = network
  const before: Page[] = []
  const after: Page[] = []
  first.lie = onPages((page, truth) => (before.push(page) > 3 ? busy() : truth()))
  second.lie = busy
  network.epoch([0, 1, 2])
  await newcomer.start()
  await eventually('some of it is there', () => before.length > 3 || undefined)
  await newcomer.stop()
  first.lie = listening(after)
  second.lie = first.lie
  await newcomer.start()
  await untilJoined(network)
  await untilPlaced(network, messages)
  const done = before.slice(0, 3).map(({ first: byte }) => byte)
  expect(after.filter(({ first: byte }) => done.includes(byte))).toEqual([])
  expect(after.length).toBeGreaterThan(0)
})

test('a member that lost its disk gets everything back', async () => {
  const { network, messages, first } = await aSwarmOfTwo(20)
  await using _ = network
  await first.stop()
  await first.wipe()
  await first.start()
  await untilPlaced(network, messages)
  await untilJoined(network)
})

test('a source that dies on the way, and one that lies, keep nothing from a new member', async () => {
  const { network, messages, first, second, newcomer } = await aSwarmOfTwo(40)
  await using _ = network
  first.lie = onPages(async (_page, truth) => {
    const answer = Buffer.from(await truth())
    answer[answer.length - 1] = (answer.at(-1) ?? 0) ^ 0xff
    return answer
  })
  let pages = 0
  second.lie = onPages(async (_page, truth) => {
    if (++pages % 2 === 1) throw new PeerRequestError('PEER_UNREACHABLE', 'It died')
    return truth()
  })
  network.epoch([0, 1, 2])
  await newcomer.start()
  await untilPlaced(network, messages)
  await untilJoined(network)
})

test('a source whose requests never can be carried out does not hold up a new member', async () => {
  const { network, messages, first, second, newcomer } = await aSwarmOfTwo(20)
  await using _ = network
  // Neither right nor wrong: nobody knows whose clock is off.
  const receivedMs = Date.now() + HOUR
  const hash = 'A'.repeat(43)
  const signature = alice.sign(`delete${hash}`)
  const params = { pubkey: alice.id, pubkey_ed25519: alice.ed25519, messages: [hash], signature }
  const payload = encodeForwardedRequest({ method: 'delete', params, receivedMs, stamp: receivedMs * 1000 })
  const page = encodeContentsAnswer('page', { items: [{ kind: 'request', account: alice.id, payload }], more: false })
  const byte = Number.parseInt(alice.id.slice(2, 4), 16)
  let isGiven = false
  const lie = onPages(async (asked, truth) => {
    if (isGiven || asked.first > byte || asked.last < byte) return truth()
    isGiven = true
    return page
  })
  first.lie = lie
  second.lie = lie
  network.epoch([0, 1, 2])
  await newcomer.start()
  await untilPlaced(network, messages)
  await untilJoined(network)
})

test('a source that leaves things out is found out by the others', async () => {
  const { network, messages, first, second, newcomer } = await aSwarmOfTwo(20)
  await using _ = network
  // Done; no more; no items.
  const nothing = onPages(async () => Uint8Array.of(0, 0, 0, 0))
  first.lie = nothing
  second.lie = nothing
  network.epoch([0, 1, 2])
  await newcomer.start()
  await untilPlaced(network, messages)
  await untilJoined(network)
})

test('when nobody can be asked for long, a member goes on with what it has, and fetches the rest when it can', async () => {
  const joining = { ...defaultSwarmOptions.joining, patienceMs: 50, retryMaxMs: 40 }
  await using network = await createChangingNetwork(3, { swarm: { joining } })
  network.epoch([0, 1])
  await startAll(network, [0])
  const alone = nodeAt(network, 0)
  await eventually('it answers', () => alone.running.replication.status()?.joining.isLenient || undefined)
  expect((await retrieve(alone, anAccountAnywhere(0))).status).toBe(200)
  const messages = someMessages(5)
  await nodeAt(network, 1).start()
  for (const message of messages) await nodeAt(network, 1).running.store.store(message)
  await untilPlaced(network, messages)
})

test('when swarms are split and merged, every message is where it belongs and nowhere else', async () => {
  await using network = await createChangingNetwork(9)
  network.epoch([0, 1, 2])
  await startAll(network, [0, 1, 2])
  await untilJoined(network)
  const messages = someMessages(40)
  await storeEverywhere(network, messages)

  // Into two swarms, and then into four.
  for (const members of [
    [0, 1, 2, 3],
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  ]) {
    await startAll(
      network,
      members.filter((place) => !nodeAt(network, place).isRunning),
    )
    network.epoch(members)
    await untilJoined(network)
    network.epoch(members)
    await untilPlaced(network, messages)
  }

  // Back into one, among three of them: two swarms lose all their members.
  network.epoch([0, 2, 3])
  await untilJoined(network)
  const [left, stayed] = [
    [1, 4, 5, 6, 7, 8],
    [0, 2, 3],
  ]
  for (const place of left) await nodeAt(network, place).stop()
  network.epoch(stayed)
  await untilPlaced(network, messages)
})
