// What the benchmarks of clients' requests share: a swarm of real service nodes, each in a process of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DevnetNode, startDevnet } from '../devnet/network.ts'
import { defaultDevnetOptions } from '../devnet/options.ts'
import { silentReporter } from '../devnet/reporter.ts'
import type { Target } from './https-connection.ts'
import type { Server } from './https-load.ts'

export interface ClientNetwork extends AsyncDisposable {
  /** A swarm that keeps the messages of all accounts: three hops, a destination, and one more. */
  readonly nodes: readonly [DevnetNode, DevnetNode, DevnetNode, DevnetNode, DevnetNode]
  /** For what else a benchmark writes; removed in the end. */
  readonly folder: string
}

/** As few as make a swarm of the size that swarms are split into. */
const NODES = 5

/** One machine stands for many clients, so what one address may do is no limit here. */
const SETTINGS = {
  'rpc.rateBurst': 1_000_000,
  'rpc.ratePerSecond': 1_000_000,
  'rpc.connectionsPerAddressMax': 1_000,
}

export async function startClientNetwork(): Promise<ClientNetwork> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'starling-bench-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const options = { ...defaultDevnetOptions, nodes: NODES, spareOperators: 0, logLevel: 'warn', settings: SETTINGS }
  const devnet = parts.use(await startDevnet({ ...options, folder: join(folder, 'devnet') }, silentReporter))
  const [first, second, third, fourth, fifth] = devnet.nodes
  if (!first || !second || !third || !fourth || !fifth) throw new Error(`There are not ${NODES} nodes`)
  const started = parts.move()
  return { nodes: [first, second, third, fourth, fifth], folder, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

export function targetOf({ ip, httpsPort }: DevnetNode, path = '/storage_rpc/v1'): Target {
  return { host: ip, port: httpsPort, path }
}

export function pidOf({ index, runner: { pid } }: DevnetNode): number {
  if (pid === undefined) throw new Error(`Node ${index} does not run`)
  return pid
}

/** A service node, and which processes work for it. What it has stored once it has not to store again. */
export function nodeServer(node: DevnetNode, path?: string, working: readonly DevnetNode[] = [node]): Server {
  return { target: targetOf(node, path), pids: working.map(pidOf), repeats: false }
}
