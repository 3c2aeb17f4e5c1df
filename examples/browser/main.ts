// npm run example:browser: serves the page, for a network of its own or one that is given.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startDevnet } from '../../devnet/network.ts'
import { defaultDevnetOptions } from '../../devnet/options.ts'
import { createReporter } from '../../devnet/reporter.ts'
import { startPageServer } from './page-server.ts'

const PORT_DEFAULT = '8080'
const NODES = 8

const { values } = parseArgs({
  options: { seed: { type: 'string' }, port: { type: 'string', default: PORT_DEFAULT } },
})
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve())
})

await using parts = new AsyncDisposableStack()
const server = parts.use(await startPageServer(Number(values.port)))
const address = new URL(server.url)
address.searchParams.set('seed', values.seed ?? (await startNetwork(parts)))
console.log(`\nThe page: ${address}`)
if (values.seed === undefined) {
  console.log('Its service nodes sign their own certificates, which browsers refuse. For this page only, try:')
  console.log(`  chromium --ignore-certificate-errors --user-data-dir="$(mktemp -d)" '${address}'`)
}
console.log('Ctrl-C ends it')
await interrupted

/** The address of a node: each can be a client's seed. */
async function startNetwork(parts: AsyncDisposableStack): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-example-'))
  parts.defer(() => rmSync(folder, { recursive: true }))
  const options = { ...defaultDevnetOptions, folder, nodes: NODES, inProcess: true, logLevel: 'warn' }
  const { nodes } = parts.use(await startDevnet(options, createReporter({ json: false })))
  const [first] = nodes
  if (first === undefined) throw new Error('The devnet has no nodes')
  return `https://${first.ip}:${first.httpsPort}`
}
