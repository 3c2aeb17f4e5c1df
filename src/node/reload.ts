import { type DurationMs, SECOND } from '../base/clock.ts'
import { CodedError } from '../base/coded-error.ts'
import { withDeadline } from '../base/deadline.ts'
import type { LogLevelSettings } from './log-options.ts'
import type { ServiceNodeOptions } from './options.ts'

type RpcOptions = ServiceNodeOptions['rpc']

/** The parts that take options anew while they work, and what they take. */
export interface ReloadTargets {
  /** Undefined where nobody may change them. */
  readonly levels: { configure(settings: LogLevelSettings): void } | undefined
  readonly https: {
    setLimits(limits: RpcOptions): void
  }
  readonly peers: { setBootstrap(addresses: readonly string[]): void }
  readonly providers: { replace(rpcUrls: readonly string[]): void }
  /** Rejects when one of these providers serves another chain. */
  readonly checkProviders: (rpcUrls: readonly string[], signal: AbortSignal) => Promise<void>
}

/** All options of a node and its log, as a start would take them. */
export interface ReloadedOptions {
  readonly node: ServiceNodeOptions
  readonly log: LogLevelSettings
}

/** Providers that do not answer are no reason to refuse them; whoever reloads waits for so long. */
const CHECK_MAX_MS: DurationMs = 15 * SECOND

/** Gives a running node new options, and remembers what came of it for whoever asks how the node is. */
export class Reload {
  readonly #targets: ReloadTargets
  #rpcUrls: readonly string[]
  #refusal: string | undefined
  #waiting: readonly string[] = []
  #applied: ServiceNodeOptions | undefined

  constructor(targets: ReloadTargets, { staking }: Pick<ServiceNodeOptions, 'staking'>) {
    this.#targets = targets
    this.#rpcUrls = staking.rpcUrls
  }

  /**
   * Applies what can be applied. `waiting` names options that have changed and count from the next start on.
   * @throws {CodedError} when nothing was applied
   */
  async apply({ node, log }: ReloadedOptions, waiting: readonly string[]): Promise<void> {
    const { levels, https, peers, providers } = this.#targets
    await this.#checkNewProviders(node.staking.rpcUrls)
    levels?.configure(log)
    https.setLimits(node.rpc)
    peers.setBootstrap(node.network.bootstrapMultiaddrs)
    if (!isSame(this.#rpcUrls, node.staking.rpcUrls)) providers.replace(node.staking.rpcUrls)
    this.#rpcUrls = node.staking.rpcUrls
    this.#refusal = undefined
    this.#waiting = waiting
    this.#applied = node
  }

  /** What counts now: of what was read again, that which can be applied to a running node. */
  current(started: ServiceNodeOptions): ServiceNodeOptions {
    if (this.#applied === undefined) return started
    const { rpc, network, staking } = this.#applied
    const { connectionsMax, connectionsPerAddressMax, rateBurst, ratePerSecond, monitor } = rpc
    const limits = { connectionsMax, connectionsPerAddressMax, rateBurst, ratePerSecond, monitor }
    return {
      ...started,
      rpc: { ...started.rpc, ...limits },
      network: { ...started.network, bootstrapMultiaddrs: network.bootstrapMultiaddrs },
      staking: { ...started.staking, rpcUrls: staking.rpcUrls },
    }
  }

  /** The new options were not valid. The node goes on with those that it has. */
  refuse(reason: string): void {
    this.#refusal = reason
  }

  /** What an operator should see to; undefined while all is well. */
  trouble(): string | undefined {
    if (this.#refusal === undefined) return undefined
    return `The configuration was refused when it was read again, and the node goes on with the one before: ${this.#refusal}`
  }

  /** What an operator should know. */
  notice(): string | undefined {
    if (this.#waiting.length === 0) return undefined
    return `The configuration has changed in what counts from the next start on: ${this.#waiting.join(', ')}`
  }

  async #checkNewProviders(rpcUrls: readonly string[]): Promise<void> {
    const others = rpcUrls.filter((url) => !this.#rpcUrls.includes(url))
    if (others.length > 0) await this.#targets.checkProviders(others, withDeadline(CHECK_MAX_MS))
  }
}

/** What may be told of why options were refused. */
export function refusalText(error: unknown): string {
  return error instanceof CodedError ? error.message : 'a fault of the program, see its log'
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index])
}
