import { writeFileSync } from 'node:fs'
import type { Devnet } from './network.ts'
import type { DevnetEvent } from './reporter.ts'

/** Writes what a client needs to know of the network, for programs that drive it. */
export function writeNetworkFile(path: string, { seed, nodes }: Devnet): void {
  const snodes = nodes.map(({ ip, httpsPort, x25519, key }) => ({
    ip,
    port: httpsPort,
    pubkey_x25519: x25519,
    pubkey_ed25519: key,
  }))
  writeFileSync(path, `${JSON.stringify({ seed, snodes }, undefined, 2)}\n`)
}

/** The event that says where everything is. Other programs read it: fields are added, never changed. */
export async function readyEvent({ seed, chain, nodes, list }: Devnet): Promise<DevnetEvent> {
  const swarms = new Map((await list()).map(({ key, swarm }) => [key, swarm]))
  return {
    event: 'ready',
    seed,
    chain: {
      rpc: chain.anvil.rpcUrl,
      rewards: chain.deployment.rewards,
      token: chain.deployment.token,
      factory: chain.deployment.factory,
    },
    nodes: nodes.map(({ index, ip, httpsPort, key, x25519, metricsUrl, runner }) => ({
      id: index,
      ip,
      port: httpsPort,
      pubkey_ed25519: key,
      pubkey_x25519: x25519,
      metrics: `${metricsUrl}/metrics`,
      pid: runner.pid,
      swarm: swarms.get(key),
    })),
  }
}
