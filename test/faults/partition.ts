// node test/faults/partition.ts [half] [one-way] [flapping]: cuts wires between the nodes of one swarm, each in a network namespace, while clients store
// on all sides, and sees how long the members take to hold the same once the wires are whole.
import { setTimeout as delay } from 'node:timers/promises'
import { createChance } from '../support/chance.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { DirectWriter } from '../support/direct-writer.ts'
import { untilEqual } from './equality.ts'
import { Namespaces, OWN_ADDRESS, obstacle, runInside } from './namespaces.ts'
import { SKIPPED } from './skipped.ts'

/** Too few for two swarms. */
const NODES = 6
const CUT_MS = 60_000
const STORES_IN_FLIGHT = 6
const STORES_A_SECOND = 30
/** What is cut for a minute, and how long members may then take to become equal. */
const SCENARIOS = {
  half: { run: cutInHalves, equalWithinMs: 30_000 },
  'one-way': { run: cutOneWay, equalWithinMs: 60_000 },
  flapping: { run: flap, equalWithinMs: 60_000 },
} as const

const why = obstacle()
if (why === undefined) process.exitCode = (await runInside()) ?? (await runAll())
else {
  console.error(`SKIPPED: ${why}`)
  process.exitCode = SKIPPED
}

async function runAll(): Promise<number> {
  const chance = createChance()
  console.log(`Seed ${chance.seed}`)
  const namespaces = new Namespaces()
  await using devnet = await startTestDevnet({
    nodes: NODES,
    logLevel: 'info',
    chainAddress: OWN_ADDRESS,
    homeOf: (index) => namespaces.home(index),
  })
  const wanted = process.argv.slice(2)
  let isGood = true
  for (const [name, { run, equalWithinMs }] of Object.entries(SCENARIOS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const writer = new DirectWriter(devnet.nodes, STORES_IN_FLIGHT, () => chance.pick(devnet.nodes), STORES_A_SECOND)
    await writer.more(10)
    await run(namespaces)
    await writer.stop()
    namespaces.heal()
    const equalMs = await untilEqual(devnet.nodes, writer.ledger, 2 * equalWithinMs)
    const isInTime = equalMs !== undefined && equalMs <= equalWithinMs
    isGood &&= isInTime
    const after = equalMs === undefined ? 'never' : `after ${(equalMs / 1000).toFixed(1)} s`
    console.log(
      `${name}: ${writer.acknowledged} acknowledged, ${writer.unknown} unknown, members equal ${after} (${equalWithinMs / 1000} s allowed)`,
    )
  }
  return isGood ? 0 : 1
}

async function cutInHalves(namespaces: Namespaces): Promise<void> {
  const sides = [
    [1, 2, 3],
    [4, 5, 6],
  ] as const
  for (const index of sides[0]) namespaces.cut(index, sides[1])
  for (const index of sides[1]) namespaces.cut(index, sides[0])
  await delay(CUT_MS)
}

/** Nothing that the first sends arrives, while it hears the others. */
async function cutOneWay(namespaces: Namespaces): Promise<void> {
  namespaces.cut(1, [2, 3, 4, 5, 6])
  await delay(CUT_MS)
}

/** Off for a second and on for a second, by turns. */
async function flap(namespaces: Namespaces): Promise<void> {
  for (let passedMs = 0; passedMs < CUT_MS; passedMs += 2_000) {
    namespaces.cut(2, [1, 3, 4, 5, 6])
    await delay(1_000)
    namespaces.heal()
    await delay(1_000)
  }
}
