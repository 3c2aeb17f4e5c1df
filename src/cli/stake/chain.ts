import { toHex } from '../../base/bytes.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { createMetricsRegistry } from '../../base/metrics.ts'
import type { ServiceNodeKeys } from '../../node/key-files.ts'
import { serviceNodeKey } from '../../protocol/service-node.ts'
import { createStakingMetrics } from '../../staking/metrics.ts'
import { defaultStakingOptions, type StakingOptions } from '../../staking/options.ts'
import type { NodeKeys } from '../../staking/own-registration.ts'
import { type ChainProviders, createChainProviders, type ProvidersOptions } from '../../staking/providers.ts'
import type { ChainArgs } from './options.ts'

export type CommandChainOptions = ProvidersOptions & Pick<StakingOptions, 'unlockAfterMs'>

export function chainOptionsOf(args: ChainArgs): CommandChainOptions {
  return {
    ...defaultStakingOptions,
    chainId: args['chain-id'],
    // Checked with the other options, when the providers are made. In small letters, so that its checksum (ERC-55) is not asked for.
    contract: args.contract.toLowerCase() as `0x${string}`,
    rpcUrls: args.rpc.map(String),
  }
}

/**
 * Providers of the right chain and contract.
 * @throws {StakingError} STAKING_OPTIONS_INVALID, CHAIN_WRONG, CONTRACT_WRONG, PROVIDERS_UNAVAILABLE, PROVIDER_…
 */
export async function connectToChain(options: CommandChainOptions, signal: AbortSignal): Promise<ChainProviders> {
  const metrics = createStakingMetrics(createMetricsRegistry())
  const providers = createChainProviders({ log: silentLogger, clock: systemClock, metrics }, options)
  await providers.refuseWrongChain(signal)
  return providers
}

export function nodeKeysOf({ ed25519, bls }: ServiceNodeKeys): NodeKeys {
  return { key: serviceNodeKey(ed25519.publicKey), bls: toHex(bls.publicKey) }
}
