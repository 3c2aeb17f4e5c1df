// In Chromium, against real nodes: the SDK's browser bundle, through the page in examples/browser, and the nodes' status page.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LoopbackServer } from '../../devnet/loopback-server.ts'
import type { Devnet } from '../../devnet/network.ts'
import { startPageServer } from '../../examples/browser/page-server.ts'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { SECOND } from '../../src/base/clock.ts'
import { openEnvelope, sealEnvelope } from '../../src/client/envelope.ts'
import { accountFromSeed, createClient, generateAccountSeed } from '../../src/client/index.ts'
import { aes256Gcm, xchacha20Poly1305 } from '../../src/crypto/aead.ts'
import type { checkPrimitives, openWhatNodeSealed, Primitives, SealedByNode } from '../support/browser-vectors.ts'
import { launchChromium } from '../support/chromium.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { newAccount } from '../support/people.ts'

const NODES = 7
/** A busy machine takes its time; nothing here waits for it to pass. */
const PAGE_TIMEOUT_MS = 60 * SECOND
const VECTORS = join(import.meta.dirname, '../vectors/primitives.json')
const VECTORS_MODULE = join(import.meta.dirname, '../support/browser-vectors.ts')

const launched = await launchChromium()
if ('cannotRun' in launched) console.warn(`SKIPPED, so nothing is known of browsers: ${launched.cannotRun}`)

describe.skipIf('cannotRun' in launched)('in Chromium', () => {
  const browser = launched as Browser
  let devnet: Devnet & { folder: string }
  let server: LoopbackServer
  let address: string
  /** Takes nodes' self-signed certificates, as an application that embeds a browser can. */
  let context: BrowserContext
  /** What went wrong in any page. */
  let faults: string[]

  beforeAll(async () => {
    server = await startPageServer(0, { 'vectors.js': VECTORS_MODULE })
    devnet = await startTestDevnet({ nodes: NODES, inProcess: true, logLevel: 'warn' })
    const [node] = devnet.nodes
    address = `${server.url}?seed=${encodeURIComponent(`https://${node?.ip}:${node?.httpsPort}`)}`
  })
  afterAll(async () => {
    await browser.close()
    await server[Symbol.asyncDispose]()
    await devnet[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    faults = []
    context = await browser.newContext({ ignoreHTTPSErrors: true })
    context.setDefaultTimeout(PAGE_TIMEOUT_MS)
    context.on('weberror', (error) => faults.push(String(error.error())))
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
    })
  })
  afterEach(async () => {
    await context.close()
    expect(faults).toEqual([])
  })

  async function openPage(): Promise<Page> {
    const page = await context.newPage()
    await page.goto(address)
    return page
  }

  /** Makes an account, or restores the one of the seed. */
  async function enter(page: Page, accountSeed = '', directly = false): Promise<{ id: string; seed: string }> {
    await page.getByLabel('Seed of your account').fill(accountSeed)
    await page.getByLabel('Connect directly').setChecked(directly)
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.getByRole('heading', { name: 'Write' }).waitFor()
    const [id, seed] = [await page.locator('#own-id').textContent(), await page.locator('#own-seed').textContent()]
    return { id: id ?? '', seed: seed ?? '' }
  }

  async function write(page: Page, to: string, text: string): Promise<void> {
    await page.getByLabel('To', { exact: true }).fill(to)
    await page.getByLabel('Message', { exact: true }).fill(text)
    await page.getByRole('button', { name: 'Send' }).click()
  }

  const received = (page: Page, text: string) => page.getByRole('log').getByRole('listitem').filter({ hasText: text })

  test('two people write to each other, each through three hops to a swarm that keeps it', async () => {
    const [alicePage, bobPage] = [await openPage(), await openPage()]
    const [alice, bob] = [await enter(alicePage), await enter(bobPage)]
    await write(alicePage, bob.id, 'Hello Bob, from <b>a browser</b>')
    const status = alicePage.getByRole('status').filter({ hasText: 'Sent' })
    await status.waitFor()
    const said = (await status.textContent()) ?? ''
    const way = said.match(/127\.0\.\d+\.1/g) ?? []
    expect(new Set(way).size).toBe(4)
    expect(way).toHaveLength(4)
    expect(said).toMatch(/ (\d+) of \1 service nodes signed/)

    const message = received(bobPage, 'Hello Bob, from <b>a browser</b>')
    await message.waitFor()
    expect(await message.textContent()).toContain(alice.id)
    await write(bobPage, alice.id, 'Hello Alice')
    await received(alicePage, 'Hello Alice').waitFor()

    const again = await openPage()
    expect(await enter(again, bob.seed)).toEqual(bob)
    await received(again, 'Hello Bob').waitFor()
  })

  test('a browser and Node read each other', async () => {
    const account = newAccount()
    await using node = createClient({ seeds: [devnet.seed], account })
    const page = await openPage()
    const { id } = await enter(page)
    await write(page, account.id, 'From a browser: ✓')
    const message = await eventually('Node received it', async () => (await node.receiveMessages()).messages[0])
    expect(message).toMatchObject({ from: id, text: 'From a browser: ✓' })
    await node.sendMessage(message.from, 'From Node: ✓')
    await received(page, 'From Node: ✓').waitFor()
  })

  test('a member of the swarm tells of a new message over a WebSocket, if the user wishes it', async () => {
    const page = await openPage()
    const opened = page.waitForEvent('websocket')
    const { id } = await enter(page, '', true)
    const socket = await opened
    expect(socket.url()).toMatch(/^wss:\/\/127\.0\.\d\.1:/)
    const frame = socket.waitForEvent('framereceived', ({ payload }) => !String(payload).includes('"success"'))
    await write(page, id, 'to myself, soon')
    await frame
    await received(page, 'to myself, soon').waitFor()
  })

  test('wrong input is told, and can be put right', async () => {
    const page = await openPage()
    const error = page.getByRole('alert')
    await page.getByLabel('Seed of your account').fill('no hex')
    await page.getByRole('button', { name: 'Enter' }).click()
    await error.filter({ hasText: 'An account seed is 64 hex digits' }).waitFor()
    const { id } = await enter(page, generateAccountSeed())
    expect(await error.textContent()).toBe('')
    await write(page, '05', 'to nobody')
    await error.filter({ hasText: 'That is no account id' }).waitFor()
    // A point of small order: anybody could read what is sealed to it.
    await write(page, `05${'00'.repeat(32)}`, 'to everybody')
    await error.filter({ hasText: 'nothing can be sealed' }).waitFor()
    await write(page, id, 'to myself')
    await received(page, 'to myself').waitFor()
    expect(await error.textContent()).toBe('')
  })

  test('the primitives give the published values, and open what Node sealed', async () => {
    const page = await openPage()
    const call = <T>(name: string, given: object): Promise<T> =>
      page.evaluate(`import('/vectors.js').then((module) => module.${name}(${JSON.stringify(given)}))`)
    const vectors: Primitives = JSON.parse(readFileSync(VECTORS, 'utf8'))
    const checked = await call<ReturnType<typeof checkPrimitives>>('checkPrimitives', vectors)
    expect(Object.entries(checked).filter(([, holds]) => !holds)).toEqual([])
    expect(Object.keys(checked)).toHaveLength(6)

    const [alice, accountSeed] = [newAccount(), generateAccountSeed()]
    const bob = accountFromSeed(accountSeed)
    const key = fromHex('5a'.repeat(32)) ?? new Uint8Array()
    const sealed: SealedByNode = {
      accountSeed,
      envelope: toHex(sealEnvelope({ text: 'Grüße', sentMs: 0 }, alice, bob.id)),
      key: toHex(key),
      gcm: toHex(aes256Gcm(key).seal(utf8('one'))),
      xchacha: toHex(xchacha20Poly1305(key).seal(utf8('two'))),
    }
    const { answer, ...opened } = await call<ReturnType<typeof openWhatNodeSealed>>('openWhatNodeSealed', sealed)
    expect(opened).toEqual({ text: 'Grüße', sender: alice.id, gcm: 'one', xchacha: 'two' })
    const { text, sender } = openEnvelope(fromHex(answer) ?? new Uint8Array(), alice)
    expect([text, sender]).toEqual(['You wrote: Grüße', bob.id])
  })

  test('a browser that was not told to take a self-signed certificate does not', async () => {
    await using strict = await browser.newContext()
    const page = await strict.newPage()
    await page.goto(address)
    await page.getByRole('button', { name: 'Enter' }).click()
    const error = page.getByRole('alert').filter({ hasText: 'a certificate that it does not trust' })
    await error.waitFor({ timeout: PAGE_TIMEOUT_MS })
    expect(await page.locator('#entered').isVisible()).toBe(false)
  })

  describe('the status page', () => {
    async function openStatus(index: number, viewport = { width: 1280, height: 800 }): Promise<Page> {
      const page = await context.newPage()
      await page.setViewportSize(viewport)
      const node = devnet.nodes[index]
      await page.goto(`${node?.metricsUrl}/`)
      await page.locator('#live').filter({ hasText: 'Live' }).waitFor()
      return page
    }

    test('shows a node that is well, and what it does as it does it', async () => {
      const page = await openStatus(0)
      await page.locator('.headline').filter({ hasText: 'Serving, and all is well' }).waitFor()
      const figure = page.locator('.tiles li').filter({ hasText: 'Client requests' })
      const requests = async () =>
        Number(/([\d,]+) since/.exec((await figure.textContent()) ?? '')?.[1]?.replace(',', ''))
      const before = await requests()
      const account = newAccount()
      await using client = createClient({ seeds: [devnet.seed], account })
      // Whichever node stores it, all of one swarm are asked to keep it.
      await client.sendMessage(account.id, 'seen by nobody but counted')
      await eventually('the page counts it', async () => (await requests()) > before || undefined)
      await page.locator('.plot .line').first().waitFor({ state: 'attached' })
      expect(await page.locator('.map .dot').count()).toBe(NODES)
      expect(await page.content()).not.toContain(account.id)
    })

    test('fits a phone, and has a name for all that is drawn', async () => {
      const page = await openStatus(1, { width: 360, height: 780 })
      const widths = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')
      expect(widths).toEqual([360, 360])
      const unnamed = 'svg:not([aria-hidden]):not([aria-label]), section:not([aria-label]):not([aria-labelledby])'
      expect(await page.locator(unnamed).count()).toBe(0)
      await page.locator('.plot svg').first().hover()
      await page.locator('.plot .moment').first().filter({ hasText: 'UTC' }).waitFor()
    })

    test('may be neither read nor framed by another page', async () => {
      const page = await context.newPage()
      // It forbids nothing itself, so whatever is refused is refused by the status page.
      await page.goto(`${devnet.nodes[1]?.metricsUrl}/livez`)
      const target = `${devnet.nodes[0]?.metricsUrl}/`
      expect(await page.evaluate(`fetch('${target}').then(() => 'read', () => 'refused')`)).toBe('refused')
      await page.evaluate(`new Promise((resolve) => {
        const frame = document.createElement('iframe')
        frame.src = '${target}'
        frame.onload = resolve
        document.body.append(frame)
      })`)
      expect(faults).toContainEqual(expect.stringContaining('Access-Control-Allow-Origin'))
      expect(faults).toContainEqual(expect.stringMatching(/frame-ancestors|X-Frame-Options/))
      faults = []
    })

    test('tells what is wrong and what to type when the chain is gone, and when the node itself is', async () => {
      const [page, other] = [await openStatus(0), await openStatus(NODES - 1)]
      await devnet.chain.anvil[Symbol.asyncDispose]()
      const problem = page.locator('.problems li').filter({ hasText: 'CHAIN_UNREACHABLE' })
      await problem.filter({ hasText: 'starling doctor' }).waitFor()
      await page.locator('.headline').filter({ hasText: 'to see to' }).waitFor()
      expect(await page.title()).toContain('to see to')

      await devnet.nodes[NODES - 1]?.runner.stop('SIGTERM')
      await other
        .getByRole('alert')
        .filter({ hasText: /No answer since \d\d:\d\d:\d\d UTC/ })
        .waitFor()
      expect(await other.locator('.tiles').isVisible()).toBe(true)
      expect(await other.getByText('Serving').isVisible()).toBe(false)
      // The browser says of each question that it had no answer.
      faults = faults.filter((fault) => !fault.includes('ERR_CONNECTION_REFUSED'))
    })
  })
})
