// Builds the page and serves it on loopback.
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { type LoopbackServer, startLoopbackServer } from '../../devnet/loopback-server.ts'
import { bundleForBrowser } from '../../scripts/browser-bundle.ts'

const SDK = 'starling-client.js'
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
}

/**
 * Serves the page, the SDK's browser bundle (as `npm run build` makes it), and `others`: modules by the name that they get.
 * Port 0 takes a free one.
 */
export async function startPageServer(
  port: number,
  others: Readonly<Record<string, string>> = {},
): Promise<LoopbackServer> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-page-'))
  try {
    await build(folder, others)
    const files = new Map(
      ['index.html', 'style.css', 'page.js', SDK, ...Object.keys(others)].map((name) => [`/${name}`, name]),
    )
    files.set('/', 'index.html')
    return await serve(port, folder, files)
  } catch (error) {
    await rm(folder, { recursive: true })
    throw error
  }
}

async function build(folder: string, others: Readonly<Record<string, string>>): Promise<void> {
  const here = import.meta.dirname
  for (const name of ['index.html', 'style.css']) await copyFile(join(here, name), join(folder, name))
  const sdk = join(here, '../../src/client/index.ts')
  await bundleForBrowser({ entry: sdk, file: join(folder, SDK), minify: true })
  const imports = { 'starling/client': `./${SDK}` }
  await bundleForBrowser({ entry: join(here, 'page.ts'), file: join(folder, 'page.js'), minify: false, imports })
  for (const [name, entry] of Object.entries(others)) {
    await bundleForBrowser({ entry, file: join(folder, name), minify: false })
  }
}

async function serve(port: number, folder: string, files: ReadonlyMap<string, string>): Promise<LoopbackServer> {
  const server = await startLoopbackServer(port, async ({ method, url = '/' }, response) => {
    const name = files.get(url.split('?')[0] ?? '')
    if (method !== 'GET' || name === undefined) return void response.writeHead(404).end('Not found\n')
    const body = await readFile(join(folder, name))
    response.writeHead(200, {
      'Content-Type': TYPES[extname(name)],
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    })
    response.end(body)
  })
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}
