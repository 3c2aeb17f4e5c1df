// node test/drills/alerts.ts: a network of real nodes, a real Prometheus that scrapes it, and every alert of deploy/prometheus/alerts.yml provoked: it has to
// fire, and to clear once what was wrong is mended. Windows and times of the alerts are shorter; conditions and bounds are what they are. Linux, as root.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { alertRules } from '../../scripts/monitoring/alert-rules.ts'
import { ALERT_NAMES, type AlertName } from '../../scripts/monitoring/alerts/all-alerts.ts'
import type { Pace } from '../../scripts/monitoring/pace.ts'
import { SKIPPED } from '../faults/skipped.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { DRILLS } from './alerts/all-drills.ts'
import { stopProxies } from './alerts/chain-drills.ts'
import type { Drill } from './alerts/drill.ts'
import { type Field, instanceOf, prepareHomes } from './alerts/field.ts'
import { clockLibrary, prepareClock } from './alerts/machine-drills.ts'
import { hasTracer } from './alerts/storage-drills.ts'
import { Prometheus } from './prometheus.ts'

/** With fewer than ten there is one swarm, so that every node keeps every account. */
const NODES = 8
const NEWCOMER = NODES + 1
const WAIT_MAX_MS = 150_000
const LOOK_EVERY_MS = 500
const ALERT_WIDTH = Math.max(...ALERT_NAMES.map(({ length }) => length))
/** As long as it takes to see that a sound network is quiet. */
const QUIET_MS = 25_000

const clamp = (seconds: number, min: number, max: number) => Math.min(max, Math.max(min, Math.round(seconds / 60)))
/** A minute for an hour, and never so long that it would only be waiting. */
const drillPace: Pace = {
  hold: (seconds) => (seconds === 0 ? 0 : clamp(seconds, 2, 10)),
  window: (seconds) => clamp(seconds, 10, 40),
  age: (seconds) => clamp(seconds, 1, 600),
}

interface Outcome {
  readonly alert: AlertName
  readonly fault: string
  readonly firedMs: number | undefined
  readonly clearedMs: number | undefined
}

const why = obstacle()
if (why === undefined) process.exitCode = await drill(process.argv.slice(2))
else {
  console.error(`SKIPPED: ${why}`)
  process.exitCode = SKIPPED
}

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'it takes root, to limit what processes may have'
  if (clockLibrary() === undefined) return 'libfaketime is not there (Debian: apt-get install faketime)'
  if (!hasTracer()) return 'strace is not there (Debian: apt-get install strace)'
  return Prometheus.obstacle()
}

/** All drills, or those of the alerts that are named. */
async function drill(wanted: readonly string[]): Promise<number> {
  const startMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'starling-drill-'))
  try {
    await using field = await createField(folder)
    const outcomes: Outcome[] = []
    const isQuiet = await staysQuiet(field)
    for (const row of DRILLS) {
      const chosen = row.filter(
        ({ alerts }) => wanted.length === 0 || alerts.some((alert) => wanted.some((name) => alert.endsWith(name))),
      )
      outcomes.push(...(await Promise.all(chosen.map((one) => carryOutOrTell(one, field)))).flat())
    }
    const failed = report(outcomes)
    const done = outcomes.length - failed
    const minutes = ((performance.now() - startMs) / 60_000).toFixed(1)
    const quiet = isQuiet ? 'quiet before' : 'NOT quiet before'
    const isWhole = wanted.length > 0 || outcomes.length === ALERT_NAMES.length
    console.log(`alerts: ${done} of ${outcomes.length} fired and cleared, ${quiet}, ${minutes} minutes`)
    return failed === 0 && isQuiet && isWhole ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function createField(folder: string): Promise<Field & AsyncDisposable> {
  await using parts = new AsyncDisposableStack()
  prepareClock(folder)
  parts.defer(stopProxies)
  const devnet = parts.use(
    await startTestDevnet({
      nodes: NODES,
      homeOf: await prepareHomes(folder, NEWCOMER),
      settings: { 'peerTests.intervalS': 1, 'peerTests.reportIntervalS': 10 },
    }),
  )
  const operator = await devnet.createOperator(NEWCOMER)
  const newcomer = { operator, node: await devnet.prepare(NEWCOMER, operator) }
  parts.use(newcomer.node.runner)
  const rules = alertRules(drillPace)
  const prometheus = parts.use(await Prometheus.start(join(folder, 'prometheus'), { rules, everyS: 1 }))
  const all = [...devnet.nodes, newcomer.node]
  const scrapeAllBut = (...left: readonly (typeof newcomer.node)[]) =>
    prometheus.scrape(
      new Map(all.filter((node) => !left.includes(node)).map((node) => [instanceOf(node), instanceOf(node)])),
    )
  scrapeAllBut(newcomer.node)
  await eventually('Prometheus reaches all nodes', () => reachesAll(prometheus))
  const node = (index: number) => {
    const found = all.find((one) => one.index === index)
    if (found === undefined) throw new Error(`There is no node ${index}`)
    return found
  }
  const made = parts.move()
  return {
    ...{ devnet, folder, prometheus, node, newcomer, scrapeAllBut },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  }
}

/** Until it does, it rightly says that it has nobody to watch. */
async function reachesAll(prometheus: Prometheus): Promise<true | undefined> {
  const [reached] = await prometheus.values('sum(up)')
  const isTold = (await prometheus.firing()).some(({ name }) => name === ('StarlingUnwatched' satisfies AlertName))
  return reached?.points[0]?.[1] === NODES && !isTold ? true : undefined
}

/** Of a network that is sound there is nothing to tell. */
async function staysQuiet({ prometheus }: Field): Promise<boolean> {
  const fired = new Set<string>()
  const startMs = performance.now()
  while (performance.now() - startMs < QUIET_MS) {
    for (const { name } of await prometheus.firing()) fired.add(name)
    await delay(LOOK_EVERY_MS)
  }
  if (fired.size > 0) console.log(`Fires although nothing is wrong: ${[...fired].join(', ')}`)
  return fired.size === 0
}

/** What breaks one drill must not keep the others from being carried out. */
async function carryOutOrTell(drill: Drill, field: Field): Promise<Outcome[]> {
  try {
    return await carryOut(drill, field)
  } catch (error) {
    console.error(`${drill.fault}: ${error instanceof Error ? error.stack : error}`)
    return drill.alerts.map((alert) => ({ alert, fault: drill.fault, firedMs: undefined, clearedMs: undefined }))
  }
}

async function carryOut(drill: Drill, field: Field): Promise<Outcome[]> {
  const { fault, alerts } = drill
  if (drill.node === 'newcomer') field.scrapeAllBut()
  const instance = instanceAt(field, drill)
  const isFiring = async (alert: AlertName) =>
    (await field.prometheus.firing()).some((one) => one.name === alert && one.instance === instance)
  console.log(`${fault} …`)
  const provokedMs = performance.now()
  const going = await drill.provoke(field)
  const fired = await Promise.all(alerts.map((alert) => until(() => isFiring(alert), provokedMs)))
  await going?.[Symbol.asyncDispose]()
  const mendedMs = performance.now()
  await drill.mend(field)
  const cleared = await Promise.all(alerts.map((alert) => until(async () => !(await isFiring(alert)), mendedMs)))
  return alerts.map((alert, at) => ({ alert, fault, firedMs: fired[at], clearedMs: cleared[at] }))
}

/** What the alerts say that they are about. */
function instanceAt(field: Field, { node }: Drill): string {
  if (node === 'none') return ''
  return instanceOf(node === 'newcomer' ? field.newcomer.node : field.node(node))
}

/** How long after this moment it came; undefined when it did not. */
async function until(condition: () => Promise<boolean>, sinceMs: number): Promise<number | undefined> {
  while (performance.now() - sinceMs < WAIT_MAX_MS) {
    if (await condition()) return performance.now() - sinceMs
    await delay(LOOK_EVERY_MS)
  }
  return undefined
}

/** Gives how many did not fire or did not clear. */
function report(outcomes: readonly Outcome[]): number {
  const seconds = (ms: number | undefined) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(0)} s`)
  console.log(`${'alert'.padEnd(ALERT_WIDTH)} ${'fires'.padStart(6)} ${'clears'.padStart(6)}  when`)
  for (const { alert, fault, firedMs, clearedMs } of outcomes) {
    console.log(
      `${alert.padEnd(ALERT_WIDTH)} ${seconds(firedMs).padStart(6)} ${seconds(clearedMs).padStart(6)}  ${fault}`,
    )
  }
  return outcomes.filter(({ firedMs, clearedMs }) => firedMs === undefined || clearedMs === undefined).length
}
