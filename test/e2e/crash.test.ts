// What a node has signed for, it keeps, whenever it is killed.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { DevnetNode } from '../../devnet/network.ts'
import { SECOND } from '../../src/base/clock.ts'
import type { MessageHash } from '../../src/client/index.ts'
import { type Chance, createChance } from '../support/chance.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { DirectWriter, hashesOn, type Promises } from '../support/direct-writer.ts'
import { eventually } from '../support/eventually.ts'

/** TEST_CRASH_ROUNDS=<number> kills more often (not STARLING_…, which a node takes for an option). */
const ROUNDS = Number(process.env['TEST_CRASH_ROUNDS'] ?? 10)
/** One swarm: every node keeps every message. */
const NODES = 5
const STORES_IN_FLIGHT = 4
/** There is load, in any state of the network, when so many more messages have been acknowledged. */
const LOAD_MESSAGES = 10
const MOMENT_MAX_MS = 700
/** A node is killed and serves again: that takes four seconds, and twice as long or more on a busy machine. */
const ROUND_MAX_MS = 30 * SECOND
vi.setConfig({ testTimeout: ROUNDS * ROUND_MAX_MS })

let devnet: Awaited<ReturnType<typeof startTestDevnet>>
beforeAll(async () => {
  devnet = await startTestDevnet({ nodes: NODES, logLevel: 'warn' })
})
afterAll(() => devnet?.[Symbol.asyncDispose]())

test(`nothing acknowledged is lost when nodes are killed at ${ROUNDS} random moments under load`, async () => {
  const chance = createChance()
  console.log(`TEST_SEED=${chance.seed} TEST_CRASH_ROUNDS=${ROUNDS}`)
  await using writer = new DirectWriter(devnet.nodes, STORES_IN_FLIGHT, () => chance.pick(devnet.nodes))

  let checked = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const victim = chance.pick(devnet.nodes)
    await killUnderLoad(victim, writer, chance)
    // What was written before the kill goes to pages that are closed now, but for what is under way.
    const pages = writer.ledger.slice(-2)
    writer.turnPage()
    await devnet.start(victim)
    for (const page of pages) checked += await requireKept(victim, page)
  }
  await writer.stop()

  // Everything, at the end: what was signed before one of many restarts, too.
  for (const page of writer.ledger) {
    for (const node of devnet.nodes) checked += await requireKept(node, page)
    expect(await missingInSwarm(page)).toEqual([])
  }
  const { acknowledged, refused, unknown, unsigned } = writer
  console.log({ rounds: ROUNDS, acknowledged, refused, unknown, unsigned, signaturesChecked: checked, lost: 0 })
  expect(acknowledged).toBeGreaterThan(ROUNDS * LOAD_MESSAGES)
  expect(unsigned).toBe(0)
})

async function killUnderLoad(victim: DevnetNode, writer: DirectWriter, chance: Chance): Promise<void> {
  await writer.more(LOAD_MESSAGES)
  await delay(chance.below(MOMENT_MAX_MS))
  await victim.runner.stop('SIGKILL')
}

/** Asks this very node for all that it signed for. Gives how much that was. */
async function requireKept(node: DevnetNode, { account, signedBy }: Promises): Promise<number> {
  const promised = [...(signedBy.get(node.key) ?? [])]
  const held = await eventually(`node ${node.index} answers`, () => hashesOn(node, account))
  expect(promised.filter((hash) => !held.has(hash))).toEqual([])
  return promised.length
}

async function missingInSwarm({ account, acknowledged }: Promises): Promise<readonly MessageHash[]> {
  const held = await Promise.all(devnet.nodes.map((node) => hashesOn(node, account)))
  return [...acknowledged].filter((hash) => !held.some((hashes) => hashes.has(hash)))
}
