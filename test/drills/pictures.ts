// node test/drills/pictures.ts: draws the dashboards of deploy/grafana/dashboards into docs/pictures, with what a real Prometheus has of a network of real
// nodes under some load. Grafana is not needed, and draws nothing of it.
import { randomBytes } from 'node:crypto'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Devnet } from '../../devnet/network.ts'
import { postToNode } from '../../devnet/node-request.ts'
import { type Account, createClient } from '../../src/client/index.ts'
import { SKIPPED } from '../faults/skipped.ts'
import { createChance } from '../support/chance.ts'
import { launchChromium } from '../support/chromium.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { DirectWriter } from '../support/direct-writer.ts'
import { readMetrics } from '../support/node-metrics.ts'
import { newAccount } from '../support/people.ts'
import { type DashboardFile, PAGE_WIDTH, pageOf } from './pictures/page.ts'
import { Prometheus } from './prometheus.ts'
import { repeatedly } from './repeatedly.ts'

const NODES = 8
const EVERY_S = 2
const LOAD_MS = Number(process.argv[2] ?? 240) * 1000
const PEOPLE = 6
const SAY_EVERY_MS = 900
const WRONG_EVERY_MS = 150
const AWAY_MS = 30_000
const FOLDER = join(import.meta.dirname, '../../docs/pictures')
const DASHBOARDS = join(import.meta.dirname, '../../deploy/grafana/dashboards')

const why = Prometheus.obstacle()
if (why === undefined) process.exitCode = await draw()
else {
  console.error(`SKIPPED: ${why}`)
  process.exitCode = SKIPPED
}

async function draw(): Promise<number> {
  await using parts = new AsyncDisposableStack()
  const browser = await launchChromium()
  if ('cannotRun' in browser) {
    console.error(`SKIPPED: ${browser.cannotRun}`)
    return SKIPPED
  }
  parts.defer(() => browser.close())
  const folder = mkdtempSync(join(tmpdir(), 'starling-pictures-'))
  parts.defer(() => rmSync(folder, { recursive: true, force: true }))
  const devnet = parts.use(await startTestDevnet({ nodes: NODES, settings: { 'peerTests.intervalS': 2 } }))
  const prometheus = parts.use(await Prometheus.start(folder, { everyS: EVERY_S }))
  prometheus.scrape(new Map(devnet.nodes.map(({ metricsUrl, index }) => [new URL(metricsUrl).host, `node-${index}`])))
  const startS = Math.floor(Date.now() / 1000)
  await load(devnet)
  const [first] = devnet.nodes
  if (first !== undefined) console.log(`${seriesOf((await readMetrics(first)).text)} series on a node`)
  const period = { startS: startS + 10, endS: Math.floor(Date.now() / 1000), stepS: EVERY_S, rateInterval: '10s' }

  mkdirSync(FOLDER, { recursive: true })
  const page = await browser.newPage({ viewport: { width: PAGE_WIDTH, height: 800 } })
  for (const path of globSync(`${DASHBOARDS}/*.json`)) {
    const dashboard = JSON.parse(readFileSync(path, 'utf8')) as DashboardFile
    await page.setContent(await pageOf(dashboard, prometheus, period))
    const picture = join(FOLDER, `${basename(path, '.json')}.png`)
    await page.screenshot({ path: picture, fullPage: true })
    console.log(picture)
  }
  return 0
}

function seriesOf(exposition: string): number {
  return exposition.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
}

/** People who write to each other through onions, others who ask nodes directly, some who want what there is not, and a node that is away for a while. */
async function load(devnet: Devnet): Promise<void> {
  await using parts = new AsyncDisposableStack()
  const chance = createChance()
  const endMs = performance.now() + LOAD_MS
  const stop = new AbortController()
  parts.defer(() => stop.abort())
  const away = beAway(devnet)
  // A busy hour now and then makes lines worth looking at.
  const isBusy = () => Math.floor((endMs - performance.now()) / 30_000) % 2 === 0
  parts.use(new DirectWriter(devnet.nodes, 2, () => chance.pick(devnet.nodes), 4))
  parts.use(askWrongly(devnet))
  const accounts = Array.from({ length: PEOPLE }, newAccount)
  const followers = accounts.map((account) => follow(devnet, account, stop.signal))
  await Promise.all(
    accounts.map(async (account, at) => {
      await using client = createClient({ seeds: [devnet.seed], account })
      const friend = accounts[(at + 1) % PEOPLE]
      while (performance.now() < endMs && friend !== undefined) {
        await client.sendMessage(friend.id, 'How are you?').catch(() => {})
        await client.receiveMessages().catch(() => {})
        await delay(isBusy() ? SAY_EVERY_MS / 3 : SAY_EVERY_MS)
      }
    }),
  )
  await away
  stop.abort()
  await Promise.all(followers)
}

async function follow(devnet: Devnet, account: Account, signal: AbortSignal): Promise<void> {
  await using client = createClient({ seeds: [devnet.seed], account })
  try {
    for await (const _ of client.follow({ signal })) signal.throwIfAborted()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function askWrongly({ nodes }: Devnet): AsyncDisposable {
  return repeatedly(1, async (count) => {
    const node = nodes[count % nodes.length]
    const path = ['/storage_rpc/v1', '/onion_req/v2', '/nothing'][count % 3] ?? ''
    if (node !== undefined) await postToNode(node, path, randomBytes(200)).catch(() => {})
    await delay(WRONG_EVERY_MS)
  })
}

async function beAway(devnet: Devnet): Promise<void> {
  const node = devnet.nodes.at(-1)
  await delay(LOAD_MS / 2)
  await node?.runner.stop('SIGTERM')
  await delay(AWAY_MS)
  if (node !== undefined) await devnet.start(node)
}
