import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../../devnet/free-port.ts'
import type { Devnet, DevnetNode } from '../../../devnet/network.ts'
import type { NodeHome } from '../../../devnet/options.ts'
import type { Operator } from '../../../devnet/stakes.ts'
import type { Prometheus } from '../prometheus.ts'

/** Where a drill takes place. */
export interface Field {
  readonly devnet: Devnet
  readonly folder: string
  readonly prometheus: Prometheus
  /** By its number, from 1 on. */
  node(index: number): DevnetNode
  /** One more, prepared and without a stake. */
  readonly newcomer: { readonly node: DevnetNode; readonly operator: Operator }
  /** Has Prometheus scrape all nodes but these. */
  scrapeAllBut(...left: readonly DevnetNode[]): void
}

export function instanceOf({ metricsUrl }: DevnetNode): string {
  return new URL(metricsUrl).host
}

/** Changes the node's file, for its next start. */
export function reconfigure({ folder }: DevnetNode, settings: Readonly<Record<string, unknown>>): void {
  const path = join(folder, 'starling.yml')
  const before = JSON.parse(readFileSync(path, 'utf8')) as object
  writeFileSync(path, `${JSON.stringify({ ...before, ...settings }, undefined, 2)}\n`)
}

/** Ends the node in order and starts it with what its file says now. */
export async function restart({ devnet }: Field, node: DevnetNode): Promise<void> {
  await node.runner.stop('SIGTERM')
  await devnet.start(node)
}

/** All nodes that run but this one, also the newcomer: it stays a member. */
export function allBut({ devnet, newcomer }: Field, node: DevnetNode): readonly DevnetNode[] {
  return [...devnet.nodes, newcomer.node].filter((one) => one !== node && one.runner.running)
}

/** Nodes that hang: connections to them stay, and nothing answers. */
export function holdStill(nodes: readonly DevnetNode[]): AsyncDisposable {
  const pids = nodes.flatMap(({ runner }) => runner.pid ?? [])
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  return {
    async [Symbol.asyncDispose]() {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    },
  }
}

/** What a node's process is started with, where there is such a file. */
export function environmentFile(folder: string, index: number): string {
  return join(folder, `environment-${index}`)
}

/** Addresses of loopback, and a shell in front of each node that reads its environment file and becomes the node. */
export async function prepareHomes(folder: string, count: number): Promise<(index: number) => NodeHome> {
  const homes: NodeHome[] = []
  for (let index = 1; index <= count; index++) {
    const ip = `127.0.${index}.1`
    const ports = (await freePorts(ip, 3)) as [number, number, number]
    const program = '[ ! -f "$0" ] || . "$0"; exec "$@"'
    homes.push({ ip, ports, command: ['sh', '-c', program, environmentFile(folder, index)] })
  }
  return (index) => {
    const home = homes[index - 1]
    if (home === undefined) throw new Error(`There are ${count} nodes`)
    return home
  }
}
