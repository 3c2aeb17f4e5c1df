// node test/drills/rolling-restart.ts [rounds]: restarts every node of a swarm of seven, one after the other, while clients store and
// retrieve, through onion requests and directly. No operation may fail that is tried once more, and nothing acknowledged may be missing.
import { createChance } from '../support/chance.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { restartOneByOne } from '../support/rolling-restart.ts'

const NODES = 7
const STOP_MAX_MS = 10_000

const rounds = Number(process.argv[2] ?? 5)
const chance = createChance()
console.log(`Seed ${chance.seed}, ${rounds} rounds of ${NODES} nodes`)
await using devnet = await startTestDevnet({ nodes: NODES, logLevel: 'warn' })
const { restarts, ...found } = await restartOneByOne(devnet, devnet.nodes, chance, rounds)
for (const [reason, count] of found.retried) console.log(`tried once more ${count} times: ${reason}`)
for (const failure of found.failures) console.log(`failed twice: ${failure}`)
const seconds = (times: readonly number[]) => `${(Math.max(...times) / 1000).toFixed(1)} s`
const isOrderly = restarts.every(({ exitCode, stopMs }) => exitCode === 0 && stopMs < STOP_MAX_MS)
console.log(
  `${restarts.length} restarts: ends within ${seconds(restarts.map(({ stopMs }) => stopMs))}${isOrderly ? '' : ', NOT ALL ORDERLY'}, ` +
    `serving within ${seconds(restarts.map(({ startMs }) => startMs))}; ${found.operations} operations, ${[...found.retried.values()].reduce((sum, count) => sum + count, 0)} tried once more, ` +
    `${found.failures.length} failed, the slowest in ${seconds([found.slowestMs])}; ${found.acknowledged} acknowledged, ${found.missing} missing`,
)
process.exitCode = isOrderly && found.failures.length === 0 && found.missing === 0 ? 0 : 1
