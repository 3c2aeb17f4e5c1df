import type { NetworkOptions } from '../network/options.ts'
import type { OnionRelayOptions } from '../onion-relay/options.ts'
import type { PeerTestsOptions } from '../peer-tests/options.ts'
import type { RpcOptions } from '../rpc/options.ts'
import type { StakingOptions } from '../staking/options.ts'
import type { StorageOptions } from '../storage/options.ts'
import type { SwarmOptions } from '../swarm/options.ts'
import type { MetricsServerOptions } from './metrics-server.ts'

export interface ServiceNodeOptions {
  /** Folder for all that the node keeps but its keys: messages, records, the last epochs. Made when it is missing. */
  dataFolder: string
  /** Folder of the node's two keys, made by `starling keys create`. */
  keysFolder: string
  /** IP address under which clients and other service nodes reach this node. */
  publicIp: string
  /** How often a line tells how the node is doing. */
  statusIntervalMs: number

  // Each part's own options, without the folders, which lie in the data folder.
  network: Omit<NetworkOptions, 'dataFolder'>
  storage: Omit<StorageOptions, 'path'>
  staking: Omit<StakingOptions, 'stateFolder'>
  swarm: SwarmOptions
  onionRelay: OnionRelayOptions
  peerTests: PeerTestsOptions
  rpc: Omit<RpcOptions, 'certificateFolder'>
  metrics: MetricsServerOptions
}
