import { type DurationMs, HOUR, MINUTE, SECOND } from '../base/clock.ts'
import { StakingError } from './errors.ts'
import { defaultRewardsOptions, type RewardsOptions } from './rewards/options.ts'

/** How the staking contract is reached and followed. */
export interface StakingOptions {
  /** EIP-155 id of the chain. A provider of another chain is refused. */
  readonly chainId: number
  /** Address of the staking contract (the proxy): 0x and 40 hex digits. */
  readonly contract: `0x${string}`
  /** JSON-RPC URLs, best first. With two or more, two must agree on each epoch; with one, that one is trusted. */
  readonly rpcUrls: readonly string[]
  /** Length of an epoch in seconds; the same on every node of a network. */
  readonly epochLengthS: number
  /** Pause between two looks at the chain's head. */
  readonly pollIntervalMs: DurationMs
  /** Longest wait for one answer of a provider, body included. */
  readonly requestTimeoutMs: DurationMs
  /** Longest wait for all that one look at the chain needs. */
  readonly passTimeoutMs: DurationMs
  /** Longest answer that is read from a provider. */
  readonly replyMaxBytes: number
  /** Requests under way to one provider at the same time. */
  readonly requestsInFlightMax: number
  /** Requests in a second to one provider, on the average. What is beyond waits; a look at the chain needs one in ten seconds. */
  readonly requestsPerSecond: number
  /** Requests to one provider that do not wait, when none were made for long: a list of 2,000 members without Multicall3, and a start. */
  readonly requestsBurst: number
  /** A provider that says when to come again (Retry-After) is left alone until then, but no longer than this. */
  readonly retryAfterMaxMs: DurationMs
  /** A provider whose answers mostly take longer than this is asked after the others. */
  readonly slowAnswerMs: DurationMs
  /** When one of those that were asked has not answered after this time, the next one is asked too. */
  readonly hedgeAfterMs: DurationMs
  /** A fault of a provider is told when it has lasted this long: less than a minute, with the look that finds it, and more than a hiccup. */
  readonly providerGraceMs: DurationMs
  /** Providers that are not needed for agreement are compared with the others this often, before they are needed. */
  readonly compareIntervalMs: DurationMs
  /** How often the contract's owner is looked after, and whether the current list's block is still the chain's: plans count requests. */
  readonly recheckIntervalMs: DurationMs
  /** How often the contract's code and parameters are read whatever its events say. */
  readonly contractCheckIntervalMs: DurationMs
  /** Keccak-256 of the contract's code that the operator accepts. None: that of the first look at this contract. */
  readonly acceptedCode: `0x${string}` | undefined
  /** Older than this, the newest final block, or a list that has a successor, tells nothing about now: Arbitrum's are some 20 minutes old. Nothing is signed then, and the operator is told. */
  readonly finalizedAgeMaxMs: DurationMs
  /** A failed provider rests this long, twice as long after each further failure. */
  readonly backOffMinMs: DurationMs
  /** A failed provider never rests longer. */
  readonly backOffMaxMs: DurationMs
  /** How often a provider must prove again that it serves the right chain and contract. */
  readonly providerCheckIntervalMs: DurationMs
  /** Blocks in one eth_getLogs; free plans often allow 500. */
  readonly logPageBlocks: number
  /** Pages of logs that cost less than reading the list anew. */
  readonly logPagesMax: number
  /** Calls bundled into one, where the chain has the Multicall3 contract. */
  readonly multicallCallsMax: number
  /** Address of the Multicall3 contract. Without code there, calls are sent one by one. */
  readonly multicall: `0x${string}`
  /** The list is read anew at least this often, even when the logs say that nothing changed. */
  readonly fullReadIntervalMs: DurationMs
  /** More members than this are refused: the list must fit an answer and memory. */
  readonly membersMax: number
  /** Folder for the last agreed epochs, so that a restart during an outage of the chain works. */
  readonly stateFolder: string
  /** Pause between two looks at this node's own stake. */
  readonly ownStakeIntervalMs: DurationMs
  /** How long after an exit request the network lets a node go. */
  readonly unlockAfterMs: DurationMs
  /** Whether this node signs exits, liquidations and rewards. Not where the contract's members run another program, with its own rules. */
  readonly signs: boolean
  /** The ledger of rewards. */
  readonly rewards: RewardsOptions
}

/** All but what only the operator or the network preset knows. */
export const defaultStakingOptions: Omit<
  StakingOptions,
  'chainId' | 'contract' | 'rpcUrls' | 'epochLengthS' | 'stateFolder'
> = {
  pollIntervalMs: 20 * SECOND,
  requestTimeoutMs: 10 * SECOND,
  passTimeoutMs: 2 * MINUTE,
  replyMaxBytes: 4 * 1024 * 1024,
  requestsInFlightMax: 8,
  requestsPerSecond: 2,
  requestsBurst: 2500,
  retryAfterMaxMs: 30 * SECOND,
  slowAnswerMs: 3 * SECOND,
  hedgeAfterMs: 10 * SECOND,
  providerGraceMs: 20 * SECOND,
  compareIntervalMs: HOUR,
  recheckIntervalMs: MINUTE,
  contractCheckIntervalMs: HOUR,
  acceptedCode: undefined,
  finalizedAgeMaxMs: HOUR,
  backOffMinMs: SECOND,
  backOffMaxMs: 20 * SECOND,
  providerCheckIntervalMs: HOUR,
  logPageBlocks: 500,
  logPagesMax: 20,
  multicallCallsMax: 200,
  multicall: '0xcA11bde05977b3631167028862bE2a173976CA11',
  fullReadIntervalMs: HOUR,
  membersMax: 20_000,
  ownStakeIntervalMs: MINUTE,
  unlockAfterMs: 15 * 24 * HOUR,
  signs: true,
  rewards: defaultRewardsOptions,
}

/** More providers than anyone needs; the number of metric labels is bounded by it. */
export const PROVIDERS_MAX = 8

/** @throws {StakingError} STAKING_OPTIONS_INVALID */
export function checkChainOptions(options: Pick<StakingOptions, 'chainId' | 'contract' | 'rpcUrls'>): void {
  const invalid = (message: string) => new StakingError('STAKING_OPTIONS_INVALID', message)
  if (!Number.isSafeInteger(options.chainId) || options.chainId < 1)
    throw invalid('The chain id must be a whole number')
  if (!/^0x[0-9a-fA-F]{40}$/.test(options.contract)) throw invalid('The contract must be 0x and 40 hex digits')
  if (options.rpcUrls.length === 0) throw invalid('At least one RPC URL is needed')
  if (options.rpcUrls.length > PROVIDERS_MAX) throw invalid(`At most ${PROVIDERS_MAX} RPC URLs are used`)
  if (!options.rpcUrls.every(isHttpUrl)) throw invalid('An RPC URL must start with http:// or https://')
  if (new Set(options.rpcUrls).size < options.rpcUrls.length) throw invalid('An RPC URL is given twice')
}

function isHttpUrl(text: string): boolean {
  const protocol = URL.parse(text)?.protocol
  return protocol === 'http:' || protocol === 'https:'
}
