import type { LogOptions } from '../../node/log-options.ts'
import type { ServiceNodeOptions } from '../../node/options.ts'
import { checkFlags } from './check.ts'
import { type LogArgs, logOptionGroup } from './log.ts'
import { type MetricsArgs, metricsOptionGroup } from './metrics.ts'
import { type NetworkArgs, networkOptionGroup } from './network.ts'
import { type NodeArgs, nodeOptionGroup } from './node.ts'
import { type OnionRelayArgs, onionRelayOptionGroup } from './onion-relay.ts'
import { type PeerTestsArgs, peerTestsOptionGroup } from './peer-tests.ts'
import { type RpcArgs, rpcOptionGroup } from './rpc.ts'
import { type StakingArgs, stakingOptionGroup } from './staking.ts'
import { type StorageArgs, storageOptionGroup } from './storage.ts'
import { type SwarmArgs, swarmOptionGroup } from './swarm.ts'

export type ServiceNodeArgs = NodeArgs &
  NetworkArgs &
  StakingArgs &
  SwarmArgs &
  StorageArgs &
  RpcArgs &
  OnionRelayArgs &
  PeerTestsArgs &
  MetricsArgs &
  LogArgs

/** The flags of `starling run` by group, in the order of its help. */
export const serviceNodeFlagGroups = {
  'Service node': nodeOptionGroup.flags,
  Network: networkOptionGroup.flags,
  Staking: stakingOptionGroup.flags,
  Swarm: swarmOptionGroup.flags,
  Storage: storageOptionGroup.flags,
  Clients: rpcOptionGroup.flags,
  'Onion requests': onionRelayOptionGroup.flags,
  'Node tests': peerTestsOptionGroup.flags,
  'Metrics and health': metricsOptionGroup.flags,
  Log: logOptionGroup.flags,
}

export const serviceNodeFlags = {
  ...nodeOptionGroup.flags,
  ...networkOptionGroup.flags,
  ...stakingOptionGroup.flags,
  ...swarmOptionGroup.flags,
  ...storageOptionGroup.flags,
  ...rpcOptionGroup.flags,
  ...onionRelayOptionGroup.flags,
  ...peerTestsOptionGroup.flags,
  ...metricsOptionGroup.flags,
  ...logOptionGroup.flags,
}

/** @throws {OptionsError} OPTION_INVALID */
export function parseServiceNodeArgs(args: ServiceNodeArgs): { node: ServiceNodeOptions; log: LogOptions } {
  checkFlags(serviceNodeFlags, args)
  const swarm = swarmOptionGroup.parse(args)
  return {
    log: logOptionGroup.parse(args),
    node: {
      ...nodeOptionGroup.parse(args),
      network: networkOptionGroup.parse(args),
      // The three parts must agree on when a node that asked to leave is let go.
      staking: { ...stakingOptionGroup.parse(args), unlockAfterMs: swarm.unlockMs },
      swarm,
      storage: storageOptionGroup.parse(args),
      onionRelay: onionRelayOptionGroup.parse(args),
      peerTests: peerTestsOptionGroup.parse(args),
      rpc: { ...rpcOptionGroup.parse(args), unlockAfterMs: swarm.unlockMs },
      metrics: metricsOptionGroup.parse(args),
    },
  }
}
