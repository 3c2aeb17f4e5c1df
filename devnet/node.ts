import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '../src/base/bytes.ts'
import { toX25519PublicKey } from '../src/crypto/keys.ts'
import { toPeerId } from '../src/network/peer-identity.ts'
import { type ServiceNodeKey, serviceNodeKey } from '../src/protocol/service-node.ts'
import { freePorts } from './free-port.ts'
import { InProcessNode } from './in-process-node.ts'
import { NodeProcess } from './node-process.ts'
import type { DevnetOptions, NodeHome } from './options.ts'
import type { Operator, StakingChain } from './stakes.ts'

/** What starts, stops and watches one service node, in a process of its own or in this one. */
export interface NodeRunner extends AsyncDisposable {
  readonly pid: number | undefined
  readonly running: boolean
  /** Settles when the process that was started last has ended. */
  readonly ended: Promise<unknown>
  start(): void
  ready(timeoutMs: number): Promise<void>
  stop(signal: NodeJS.Signals): Promise<number | null>
  logTail(): string
}

/** A service node of the devnet. */
export interface DevnetNode {
  readonly index: number
  readonly key: ServiceNodeKey
  /** Hex. */
  readonly x25519: string
  readonly ip: string
  readonly httpsPort: number
  /** Where other service nodes reach it. */
  readonly multiaddr: string
  /** Of metrics and health, without a path. */
  readonly metricsUrl: string
  readonly folder: string
  readonly logPath: string
  readonly runner: NodeRunner
}

/** Writes the node's configuration, as an operator would, and prepares to run it. */
export async function prepareNode(
  index: number,
  operator: Operator,
  { anvil, deployment }: Pick<StakingChain, 'anvil' | 'deployment'>,
  bootstrap: readonly string[],
  options: DevnetOptions,
): Promise<DevnetNode> {
  const folder = nodeFolder(options, index)
  const { ip, ports, command } = options.homeOf?.(index) ?? (await homeOnLoopback(index))
  const [httpsPort, peerPort, metricsPort] = ports
  const configuration = {
    network: 'devnet',
    publicIp: ip,
    dataFolder: join(folder, 'data'),
    keysFolder: operator.keysFolder,
    'network.listenAddress': ip,
    'network.port': peerPort,
    'network.bootstrap': bootstrap,
    'staking.chainId': anvil.chainId,
    'staking.contract': deployment.rewards,
    'staking.contributionFactory': deployment.factory,
    'staking.rpcUrls': [anvil.rpcUrl],
    'staking.epochLengthS': options.epochLengthS,
    'rpc.listenAddress': ip,
    'rpc.port': httpsPort,
    'metrics.address': ip,
    'metrics.port': metricsPort,
    'log.level': options.logLevel,
    ...options.settings,
  }
  mkdirSync(folder, { recursive: true })
  const configPath = join(folder, 'starling.yml')
  writeFileSync(configPath, `${JSON.stringify(configuration, undefined, 2)}\n`)

  const logPath = join(folder, 'starling.log')
  const metricsUrl = `http://${ip}:${metricsPort}`
  const run = { configPath, logPath, metricsUrl, command }
  const { publicKey } = operator.keys.ed25519
  const key = serviceNodeKey(publicKey)
  return {
    index,
    key,
    x25519: toHex(toX25519PublicKey(publicKey)),
    ip,
    httpsPort,
    multiaddr: `/ip4/${ip}/tcp/${peerPort}/p2p/${toPeerId(key)}`,
    metricsUrl,
    folder,
    logPath,
    runner: options.inProcess ? new InProcessNode(run) : new NodeProcess(run),
  }
}

async function homeOnLoopback(index: number): Promise<NodeHome> {
  const ip = `127.0.${index}.1`
  // All on the node's own address: on 127.0.0.1, other nodes' connections would take the ports away before it starts.
  return { ip, ports: (await freePorts(ip, 3)) as [number, number, number], command: [] }
}

export function nodeFolder(options: DevnetOptions, index: number): string {
  return join(options.folder, `node-${String(index).padStart(3, '0')}`)
}
