import { type Clock, type DurationMs, SECOND, systemClock } from '../base/clock.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import type { EncryptionType } from '../protocol/onion/encryption.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { Account } from './account.ts'
import { MESSAGE_TTL_MS } from './calls/store.ts'
import { NODE_LIST_REFRESH_AFTER_MS } from './node-directory.ts'
import type { Route } from './onion-transport.ts'
import { defaultPathPoolOptions } from './path-pool.ts'
import { defaultPathSenderOptions } from './path-sender.ts'
import { type Random, secureRandom } from './random.ts'
import { defaultSeedOptions, type Seed } from './seeds.ts'
import { defaultSwarmRequesterOptions } from './swarm-requester.ts'
import type { Transport } from './transport.ts'

export interface ClientOptions {
  /** Where the first list of service nodes comes from; one that answers is enough. */
  readonly seeds: readonly (string | Seed)[]
  /** Signs what needs a signature. Without it, only stores into public inboxes and unsigned requests work. */
  readonly account?: Account
  /** Cipher of the onion layers. */
  readonly encryption?: EncryptionType
  /** Guards of an earlier run, from `guards()`: who keeps its guards meets fewer bad ones. */
  readonly guards?: readonly ServiceNodeKey[]
  /** Life of a message unless the request says otherwise. */
  readonly ttlMs?: DurationMs
  /** Longest that one call may take, all tries together. */
  readonly deadlineMs?: DurationMs
  /** Longest that one try on one path may take. */
  readonly pathTimeoutMs?: DurationMs
  /** Age from which the service node list is asked for anew. */
  readonly nodeListRefreshAfterMs?: DurationMs
  /** Wait before seeds are asked a second time; each later wait is twice as long. */
  readonly seedBackoffMs?: DurationMs
  /** How requests leave the machine. One that is given is not disposed of with the client. */
  readonly transport?: Transport
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Logger
  /** Told the way of each answered request, for programs that show it to their user. Nobody else should learn it. */
  readonly onRoute?: (route: Route) => void
}

export const defaultClientOptions = {
  encryption: defaultPathSenderOptions.encryption,
  guards: [],
  ttlMs: MESSAGE_TTL_MS,
  deadlineMs: 45 * SECOND,
  pathTimeoutMs: defaultPathSenderOptions.pathTimeoutMs,
  nodeListRefreshAfterMs: NODE_LIST_REFRESH_AFTER_MS,
  seedBackoffMs: defaultSeedOptions.backoffMs,
  clock: systemClock,
  random: secureRandom,
  log: silentLogger,
  pool: defaultPathPoolOptions,
  path: defaultPathSenderOptions,
  swarm: defaultSwarmRequesterOptions,
  seed: defaultSeedOptions,
} as const
