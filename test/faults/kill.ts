// node test/faults/kill.ts [rounds]: kills nodes of a swarm of five at random moments under load, one of them or all at once, and holds
// every promise against them that was made. In the end all members have to hold the same.
import { setTimeout as delay } from 'node:timers/promises'
import type { DevnetNode } from '../../devnet/network.ts'
import { createChance } from '../support/chance.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { DirectWriter, hashesOn, type Promises } from '../support/direct-writer.ts'
import { eventually } from '../support/eventually.ts'
import { untilEqual } from './equality.ts'

const NODES = 5
const STORES_A_SECOND = 200
const STORES_IN_FLIGHT = 32
const MOMENT_MAX_MS = 1_500
/** In every so many rounds, all nodes are killed at once. */
const ALL_AT_ONCE = 10
/** How long members may take to hold the same. */
const EQUAL_WITHIN_MS = 60_000

const rounds = Number(process.argv[2] ?? 100)
const chance = createChance()
console.log(`Seed ${chance.seed}, ${rounds} rounds`)
await using devnet = await startTestDevnet({ nodes: NODES, logLevel: 'warn' })
await using writer = new DirectWriter(devnet.nodes, STORES_IN_FLIGHT, () => chance.pick(devnet.nodes), STORES_A_SECOND)
let [checked, lost] = [0, 0]
const started = performance.now()
for (let round = 1; round <= rounds; round++) {
  const isAll = round % ALL_AT_ONCE === 0
  const victims = isAll ? devnet.nodes : [chance.pick(devnet.nodes)]
  await writer.more(10)
  await delay(chance.below(MOMENT_MAX_MS))
  await Promise.all(victims.map((victim) => victim.runner.stop('SIGKILL')))
  const pages = writer.ledger.slice(-2)
  writer.turnPage()
  await Promise.all(victims.map((victim) => devnet.start(victim)))
  for (const victim of victims) for (const page of pages) await requireKept(victim, page)
  const { acknowledged, unknown, refused } = writer
  console.log(
    `round ${round}${isAll ? ' (all)' : ''}: ${acknowledged} acknowledged, ${unknown} unknown, ${refused} refused, ${lost} lost`,
  )
}
const perSecond = (1000 * writer.acknowledged) / (performance.now() - started)
await writer.stop()
const equalMs = await untilEqual(devnet.nodes, writer.ledger, EQUAL_WITHIN_MS)
for (const page of writer.ledger) for (const node of devnet.nodes) await requireKept(node, page)
const { acknowledged, unknown } = writer
console.log(
  `${rounds} rounds: ${acknowledged} acknowledged (${perSecond.toFixed(0)}/s), ${unknown} unknown, ${checked} signatures held against the nodes, ` +
    `${lost} lost, members equal after ${equalMs === undefined ? 'never' : `${(equalMs / 1000).toFixed(1)} s`}`,
)
process.exitCode = lost === 0 && equalMs !== undefined ? 0 : 1

/** All that this very node has signed for is there. */
async function requireKept(node: DevnetNode, { account, signedBy }: Promises): Promise<void> {
  const promised = [...(signedBy.get(node.key) ?? [])]
  const held = await eventually(`node ${node.index} answers`, () => hashesOn(node, account))
  checked += promised.length
  lost += promised.filter((hash) => !held.has(hash)).length
}
