import { expect, test } from 'vitest'
import type { StoredMessage } from '../../../src/protocol/message.ts'
import { defaultSwarmOptions } from '../../../src/swarm/options.ts'
import { eventually } from '../../support/eventually.ts'
import {
  type ChangingNode,
  createChangingNetwork,
  someMessages,
  storeEverywhere,
  untilJoined,
  untilPlaced,
} from './changing-network.ts'

type Nodes = [ChangingNode, ChangingNode, ChangingNode, ChangingNode]

/**
 * Four members of which three were one swarm and now are two: places 2 and 3 (which is new and empty) serve one half, 0 and 1 the other. Nothing but
 * the hand-over moves messages: nobody compares, and nobody has to fetch anything any more.
 */
async function aSplitSwarm() {
  const comparing = { ...defaultSwarmOptions.comparing, intervalMs: 3_600_000 }
  const network = await createChangingNetwork(4, { swarm: { comparing } })
  const nodes = network.nodes as readonly ChangingNode[] as Nodes
  network.epoch([0, 1, 2])
  await Promise.all(nodes.slice(0, 3).map((node) => node.start()))
  await untilJoined(network)
  const messages = someMessages(30)
  await storeEverywhere(network, messages)
  return { network, nodes, messages }
}

async function heldBy(node: ChangingNode, messages: readonly StoredMessage[]): Promise<StoredMessage[]> {
  const held = await Promise.all(messages.map((message) => node.holds(message)))
  return messages.filter((_, index) => held[index])
}

/** Two walks: the first may have begun before the test's last step. */
async function walk(node: ChangingNode): Promise<void> {
  for (let walks = 0; walks < 2; walks++) {
    const before = await walksOf(node)
    await eventually('it looked at what is not its own', async () => (await walksOf(node)) > before || undefined)
  }
}

async function walksOf(node: ChangingNode): Promise<number> {
  const lines = (await node.running.metrics()).split('\n')
  const line = lines.find((each) => each.startsWith('starling_swarm_hand_over_accounts_total{outcome="unconfirmed"} '))
  return Number(line?.split(' ').at(-1) ?? 0)
}

test('what a node no longer serves stays until more than half of its swarm has it, also after a restart', async () => {
  const { network, nodes, messages } = await aSplitSwarm()
  await using _ = network
  const [first, second, third, newcomer] = nodes
  network.epoch([0, 1, 2, 3])
  network.epoch([0, 1, 2, 3])
  const ofOthers = messages.filter(({ account }) => !network.membersFor(account).includes(first))
  expect(ofOthers.length).toBeGreaterThan(0)
  expect(ofOthers.length).toBeLessThan(messages.length)
  // The newcomer does not run, and one of two is not more than half.
  await walk(first)
  expect(await heldBy(first, ofOthers)).toEqual(ofOthers)
  await first.stop()
  await first.start()
  await walk(first)
  expect(await heldBy(first, ofOthers)).toEqual(ofOthers)

  await newcomer.start()
  await untilPlaced(network, messages)
  expect(await heldBy(third, ofOthers)).toEqual(ofOthers)
  expect(await heldBy(second, ofOthers)).toEqual([])
})

test('what nobody else has reaches its new swarm by being handed over', async () => {
  const { network, nodes, messages } = await aSplitSwarm()
  await using _ = network
  const [first, second, third, newcomer] = nodes
  await newcomer.start()
  network.epoch([0, 1, 2, 3])
  await untilJoined(network)
  const ofOthers = messages.filter(({ account }) => !network.membersFor(account).includes(first))
  // As if a store had reached the first only, from a node an epoch behind.
  const timestampMs = Date.now()
  const [message] = ofOthers
  if (message === undefined) return expect.unreachable()
  const late = someMessages(90).filter((each) => each.account === message.account && each.hash !== message.hash)
  for (const each of late) await first.running.store.store({ ...each, timestampMs })
  network.epoch([0, 1, 2, 3])
  await untilPlaced(network, [...messages, ...late])
  for (const node of [third, newcomer]) expect(await heldBy(node, late)).toEqual(late)
  expect(await heldBy(second, late)).toEqual([])
})

test('a member that leaves hands over what it alone has while others still listen to it', async () => {
  const { network, nodes } = await aSplitSwarm()
  await using _ = network
  const [first, second, third] = nodes
  const only = someMessages(200).slice(300)
  for (const message of only) await third.running.store.store(message)
  network.epoch([0, 1])
  await eventually('the others have it', async () => {
    const held = await Promise.all([first, second].map((node) => heldBy(node, only)))
    return held.every((each) => each.length === only.length) || undefined
  })
  // Until the overlap is over, it still serves them.
  expect(await heldBy(third, only)).toEqual(only)
})

test('a member that does not serve an account yet does not count among those who have it', async () => {
  const { network, nodes, messages } = await aSplitSwarm()
  await using _ = network
  const [first, second, third, newcomer] = nodes
  await newcomer.start()
  await second.stop()
  const before = third.running.membership.epoch() ?? expect.unreachable()
  expect(before.members).toHaveLength(3)
  network.epochFor(first, [0, 1, 2, 3])
  const ahead = first.running.membership.epoch() ?? expect.unreachable()
  first.running.membership.update({ ...ahead, index: ahead.index + 1 })
  const ofOthers = messages.filter(({ account }) => !first.running.membership.serves(account))
  expect(ofOthers.length).toBeGreaterThan(0)
  // The newcomer knows no list, and the third one in which it and the newcomer have nothing in common.
  await walk(first)
  expect(await heldBy(first, ofOthers)).toEqual(ofOthers)
})

test('accounts are taken only from those who served them', async () => {
  await using network = await createChangingNetwork(5)
  const [first] = network.nodes as readonly ChangingNode[] as Nodes
  const everyone = [0, 1, 2, 3, 4]
  network.epoch(everyone)
  network.epoch(everyone)
  await Promise.all(network.nodes.map((node) => node.start()))
  await untilJoined(network)
  const messages = someMessages(40).filter(({ account }) => !network.membersFor(account).includes(first))
  for (const message of messages) await first.running.store.store(message)
  await first.stop()
  await first.start()
  await walk(first)
  expect(await heldBy(first, messages)).toEqual(messages)
  for (const node of network.nodes.slice(1)) expect(await heldBy(node, messages)).toEqual([])
})
