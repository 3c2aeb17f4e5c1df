import { toHex } from '../../base/bytes.ts'
import { DAY, systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { createMetricsRegistry } from '../../base/metrics.ts'
import type { ServiceNodeKeys } from '../../node/key-files.ts'
import { serviceNodeKey } from '../../protocol/service-node.ts'
import { StakingError } from '../../staking/errors.ts'
import { createStakingMetrics } from '../../staking/metrics.ts'
import { defaultStakingOptions, type StakingOptions } from '../../staking/options.ts'
import type { NodeKeys } from '../../staking/own-registration.ts'
import { type ChainProviders, createChainProviders, type ProvidersOptions } from '../../staking/providers.ts'
import { type Surroundings, surroundings } from '../config/configuration-file.ts'
import { readNetworkPreset } from '../config/flat-configuration.ts'
import { type NodeFlags, type NodeSettings, readNodeSettings } from '../config/node-settings.ts'
import { CONTRACT_ADDRESS, OptionsError } from '../options/check.ts'
import type { ChainArgs } from './options.ts'

export type CommandChainOptions = ProvidersOptions & Pick<StakingOptions, 'unlockAfterMs'>

/** What a stake command works with, from flags, the node's configuration and the network preset, in this order. */
export interface StakeSettings {
  readonly chain: CommandChainOptions
  readonly keysFolder: string
  readonly dataFolder: string
  /** What else the node's configuration and the preset say. */
  readonly configured: (name: string) => unknown
}

/** @throws {OptionsError} OPTION_INVALID, CONFIG_UNREADABLE, PRESET_UNREADABLE */
export function settingsOf(args: ChainArgs, around: Surroundings = surroundings()): StakeSettings {
  const settings = readableSettings(args, around)
  const configured = settings.value
  const unlockDays = configured('swarm.unlockDays')
  return {
    chain: {
      ...defaultStakingOptions,
      chainId: chainIdOf(configured('staking.chainId')),
      contract: contractOf(configured('staking.contract')),
      rpcUrls: urlsOf(args.rpc ?? configured('staking.rpcUrls')),
      ...(typeof unlockDays === 'number' ? { unlockAfterMs: unlockDays * DAY } : {}),
    },
    ...foldersOf(settings),
    configured,
  }
}

/** The contract and the folders of a node, for what asks no chain. @throws {OptionsError} */
export function nodeSettingsOf(args: NodeFlags, around: Surroundings = surroundings()) {
  const settings = readableSettings(args, around)
  return {
    chainId: chainIdOf(settings.value('staking.chainId')),
    contract: contractOf(settings.value('staking.contract')),
    ...foldersOf(settings),
  }
}

/** Who stakes or backs up by half a configuration does it for the wrong node. */
function readableSettings(args: NodeFlags, around: Surroundings): NodeSettings {
  const settings = readNodeSettings(args, around)
  settings.requireReadable()
  return settings
}

function foldersOf(settings: NodeSettings) {
  return { keysFolder: settings.keysFolder(), dataFolder: settings.dataFolder() }
}

/** Whether this is the contract that Session's own network runs on. */
export function isSessionContract({ chainId, contract }: Pick<CommandChainOptions, 'chainId' | 'contract'>): boolean {
  const mainnet = readNetworkPreset('mainnet')
  const address = String(mainnet['staking.contract']).toLowerCase()
  return chainId === mainnet['staking.chainId'] && contract.toLowerCase() === address
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

/**
 * The first provider that passed the checks. One that could not be asked for its chain is not asked for anything else.
 * @throws {StakingError} PROVIDERS_UNAVAILABLE
 */
export function usableUrl(providers: ChainProviders, options: CommandChainOptions): string {
  return usableUrls(providers, options).rpcUrl
}

/**
 * The same, and all others that passed the checks.
 * @throws {StakingError} PROVIDERS_UNAVAILABLE
 */
export function usableUrls(
  providers: ChainProviders,
  { rpcUrls }: CommandChainOptions,
): { readonly rpcUrl: string; readonly witnessUrls: readonly string[] } {
  const looked = providers.status()
  const usable = providers.available().filter(({ index }) => looked[index]?.healthy === true)
  const [rpcUrl, ...witnessUrls] = usable.flatMap(({ index }) => rpcUrls[index] ?? [])
  if (rpcUrl !== undefined) return { rpcUrl, witnessUrls }
  const faults = [...new Set(looked.flatMap(({ lastError }) => lastError ?? []))].join(', ')
  const message = `No RPC provider could be asked for its chain and contract (${faults})`
  throw new StakingError('PROVIDERS_UNAVAILABLE', message, { details: { faults } })
}

export function nodeKeysOf({ ed25519, bls }: ServiceNodeKeys): NodeKeys {
  return { key: serviceNodeKey(ed25519.publicKey), bls: toHex(bls.publicKey) }
}

function chainIdOf(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw missing(value, '--chain-id', 'a whole number')
}

/** In small letters, so that its checksum (ERC-55) is not asked for. */
function contractOf(value: unknown): `0x${string}` {
  if (typeof value === 'string' && CONTRACT_ADDRESS.accepts(value)) return value.toLowerCase() as `0x${string}`
  throw missing(value, '--contract', CONTRACT_ADDRESS.wanted)
}

/** Their form is checked when the providers are made. */
function urlsOf(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length > 0) return value.map(String)
  throw missing(undefined, '--rpc', 'at least one URL')
}

function missing(value: unknown, flag: string, wanted: string): OptionsError {
  const source = 'or --network or --config must tell it'
  const message = value === undefined ? `${flag} must be given, ${source}` : `${flag} must be ${wanted}`
  return new OptionsError('OPTION_INVALID', message)
}
