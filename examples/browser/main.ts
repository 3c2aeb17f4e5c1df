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
const PORT_MAX = 65_535
const NODES = 8

const USAGE = 'npm run example:browser -- [--seed https://…] [--port 8080, 0 for a free one]'

const values = readArguments()
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve())
})

await using parts = new AsyncDisposableStack()
const server = parts.use(await startPageServer(values.port).catch(refusePort))
const address = new URL(server.url)
address.searchParams.set('seed', values.seed ?? (await startNetwork(parts)))
console.log(`\nThe page: ${address}`)
if (values.seed === undefined) {
  console.log('Its service nodes sign their own certificates, which browsers refuse. For this page only, try:')
  console.log(`  chromium --ignore-certificate-errors --user-data-dir="$(mktemp -d)" '${address}'`)
}
console.log('Ctrl-C ends it')
await interrupted

function readArguments(): { seed: string | undefined; port: number } {
  try {
    const { values } = parseArgs({
      options: { seed: { type: 'string' }, port: { type: 'string', default: PORT_DEFAULT } },
    })
    const { seed, port } = { seed: values.seed, port: Number(values.port) }
    if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) throw new Error(`--port must be 0 to ${PORT_MAX}`)
    if (seed !== undefined && !URL.canParse(seed)) throw new Error('--seed must be an address')
    return { seed, port }
  } catch (error) {
    return leave(`${error instanceof Error ? error.message : error}\n${USAGE}`, 2)
  }
}

function refusePort(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    leave(`Another program listens on port ${values.port}; choose one with --port`, 1)
  }
  throw error
}

function leave(message: string, exitCode: number): never {
  console.error(message)
  process.exit(exitCode)
}

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
