// Pictures of the status page and of `starling top` for the documentation, from a node of a real devnet with real traffic:
// node scripts/pictures/main.ts [--seconds 300]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { type Devnet, type DevnetNode, startDevnet } from '../../devnet/network.ts'
import { defaultDevnetOptions } from '../../devnet/options.ts'
import { createReporter } from '../../devnet/reporter.ts'
import { accountFromSeed, createClient, generateAccountSeed } from '../../src/client/index.ts'
import { launchChromium } from '../../test/support/chromium.ts'
import { Terminal } from '../../test/support/terminal.ts'
import { FRAME_END, lastFrame, terminalPage } from './terminal-page.ts'

const NODES = 10
const PEOPLE = 5
const PICTURES = join(import.meta.dirname, '../../docs/pictures')
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const TERMINAL = { columns: 80, rows: 24 }
/** Longer than a whole step of the plots. */
const WAVE_S = 140

const { seconds } = yargs(hideBin(process.argv))
  .options({ seconds: { type: 'number', default: 300, describe: 'How long there is traffic before the pictures' } })
  .strict()
  .parseSync()

const launched = await launchChromium()
if ('cannotRun' in launched) throw new Error(launched.cannotRun)
await using browser: Browser = launched
const folder = mkdtempSync(join(tmpdir(), 'starling-pictures-'))
try {
  const options = { ...defaultDevnetOptions, nodes: NODES, swarmsMin: 2, folder, inProcess: true, logLevel: 'warn' }
  const reporter = createReporter({ json: false })
  await using devnet = await startDevnet(options, reporter)
  await makeTraffic(devnet, seconds)
  const [node] = devnet.nodes
  if (node === undefined) throw new Error('There is no node')
  await photographPage(node, 'status-page', { width: 1280, height: 800 }, 'light')
  await photographPage(node, 'status-page-phone', { width: 360, height: 780 }, 'dark')
  await photographTop(node)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** People write to one another, now more and now less. */
async function makeTraffic(devnet: Devnet, forS: number): Promise<void> {
  const people = Array.from({ length: PEOPLE }, () => accountFromSeed(generateAccountSeed()))
  await using stack = new AsyncDisposableStack()
  const clients = people.map((account) => stack.use(createClient({ seeds: [devnet.seed], account })))
  const startedMs = performance.now()
  const elapsedS = () => (performance.now() - startedMs) / 1000
  await Promise.all(
    clients.map(async (client, at) => {
      while (elapsedS() < forS) {
        const to = people[(at + 1) % PEOPLE]
        if (to !== undefined) await client.sendMessage(to.id, 'Hello').catch(() => {})
        await client.receiveMessages().catch(() => {})
        await delay(400 + 350 * (1 + Math.sin((2 * Math.PI * elapsedS()) / WAVE_S)))
      }
    }),
  )
}

async function photographPage(
  { metricsUrl }: DevnetNode,
  name: string,
  viewport: { width: number; height: number },
  colorScheme: 'light' | 'dark',
): Promise<void> {
  await using context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 1.5 })
  const page = await context.newPage()
  await page.goto(metricsUrl)
  await page.locator('#live').filter({ hasText: 'Live' }).waitFor()
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
}

/** In a terminal of its own, as an operator sees it. */
async function photographTop(node: DevnetNode): Promise<void> {
  const words = [process.execPath, MAIN, 'top', '--interval', '1', '--data-folder', join(node.folder, 'data')]
  await using terminal = new Terminal(words.map((word) => `'${word}'`).join(' '), TERMINAL)
  await terminal.until((output) => output.split(FRAME_END).length > 3)
  const frame = lastFrame(terminal.output)
  terminal.type('q')
  await terminal.ended()
  await using context = await browser.newContext({ deviceScaleFactor: 1.5 })
  const page = await context.newPage()
  await page.setContent(terminalPage(frame, TERMINAL.columns))
  await page.locator('body').screenshot({ path: join(PICTURES, 'top.png') })
}
