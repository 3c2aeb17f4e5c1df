// What one client does, each step after the answer to the one before, keeps its order whichever nodes it goes through, although their
// clocks stand still or differ: who has answered has taken note of the stamp, so the next one that it gives is greater.
import { expect, test } from 'vitest'
import { toBase64 } from '../../../src/base/bytes.ts'
import { DAY, SECOND } from '../../../src/base/clock.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import { anAccount, createTestNetwork, START_MS, type TestNetwork, type TestNode } from './rpc-fixture.ts'

const alice = anAccount(1)
const ENTRIES = [0, 1, 2].flatMap((a) => [0, 1, 2].flatMap((b) => [0, 1, 2].map((c) => [a, b, c] as const)))

/** A message of its own, and how a client stores and deletes it. */
function aMessage(text: string) {
  const data = Buffer.from(text)
  const hash = hashMessage(alice.id, 0, data)
  const common = { pubkey: alice.id }
  const storing = { ...common, timestamp: START_MS, ttl: DAY, data: toBase64(data) }
  const deleting = {
    ...common,
    pubkey_ed25519: alice.ed25519,
    messages: [hash],
    signature: alice.sign(`delete${hash}`),
  }
  return {
    hash,
    store: (node: TestNode) => node.call('store', storing),
    delete: (node: TestNode) => node.call('delete', deleting),
  }
}

async function heldBy(network: TestNetwork, hash: ReturnType<typeof hashMessage>): Promise<number[]> {
  return await Promise.all(
    network.nodes.map(async ({ store }) => (await store.store.expiries(alice.id, [hash])).length),
  )
}

function nodeAt(network: TestNetwork, at: number): TestNode {
  const node = network.nodes[at]
  if (node === undefined) throw new Error('There are three nodes')
  return node
}

test.each([
  { skewMs: 0, clocks: 'stand still' },
  { skewMs: 4 * SECOND, clocks: 'differ and stand still' },
])(
  'a message deleted and stored again is there, and one stored and deleted is gone, when clocks $clocks',
  async ({ skewMs }) => {
    await using network = await createTestNetwork(3)
    for (const [at, { store }] of network.nodes.entries()) store.clock.pass(at * skewMs)
    for (const [at, entries] of ENTRIES.entries()) {
      const [first, second, third] = [
        nodeAt(network, entries[0]),
        nodeAt(network, entries[1]),
        nodeAt(network, entries[2]),
      ]
      const back = aMessage(`back ${at}`)
      const gone = aMessage(`gone ${at}`)
      await back.store(first)
      await gone.store(first)
      await back.delete(second)
      await gone.delete(second)
      await back.store(third)
      expect(await heldBy(network, back.hash)).toEqual([1, 1, 1])
      expect(await heldBy(network, gone.hash)).toEqual([0, 0, 0])
    }
  },
)
