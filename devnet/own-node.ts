// A node of one's own beside those of the devnet: made, staked and started by hand, as on any network.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Devnet } from './network.ts'

/** Any two, as on a real network. */
const BOOTSTRAP = 2

export interface OwnNode {
  /** What to type, one after the other, from the root of the repository. The last one runs until it is stopped. */
  readonly commands: readonly string[]
  readonly metricsUrl: string
}

/** Gives an operator a stake, whose key lies in the folder then. */
export async function offerOwnNode(devnet: Devnet, folder: string): Promise<OwnNode> {
  const { chain, nodes } = devnet
  const index = nodes.length + 1
  const { privateKey } = await devnet.createOperator(index)
  const keyFile = join(folder, 'own-operator.key')
  writeFileSync(keyFile, `${privateKey}\n`, { mode: 0o600 })
  const config = join(folder, 'own', 'starling.yml')
  const ip = `127.0.${index}.1`
  const settings = {
    config,
    dataFolder: join(folder, 'own', 'data'),
    keysFolder: join(folder, 'own', 'keys'),
    network: 'devnet',
    publicIp: ip,
    'network.listenAddress': ip,
    'rpc.listenAddress': ip,
    'metrics.address': ip,
    'network.bootstrap': nodes
      .slice(0, BOOTSTRAP)
      .map(({ multiaddr }) => multiaddr)
      .join(' '),
    'staking.contract': chain.deployment.rewards,
    'staking.rpcUrls': chain.anvil.rpcUrl,
    'staking.epochLengthS': String(devnet.epochLengthS),
  }
  const flags = Object.entries(settings).map(([name, value]) => `--${name} ${value}`)
  return {
    commands: [
      `init --non-interactive ${flags.join(' ')}`,
      `stake register --config ${config} --operator-key-file ${keyFile} --send --yes`,
      `run --config ${config}`,
    ],
    metricsUrl: `http://${ip}:9100`,
  }
}
