import type { Clock } from '../base/clock.ts'
import { createHttpsTransport } from './https-transport.ts'
import { NetworkClock } from './network-clock.ts'
import { NodeDirectory } from './node-directory.ts'
import { OnionTransport } from './onion-transport.ts'
import { type ClientOptions, defaultClientOptions } from './options.ts'
import { PathPool } from './path-pool.ts'
import { PathSender } from './path-sender.ts'
import type { Random } from './random.ts'
import { ServerRequester } from './server-requester.ts'
import { SwarmDirectory } from './swarm-directory.ts'
import { SwarmRequester } from './swarm-requester.ts'
import { TimedOnion } from './timed-onion.ts'
import type { Transport } from './transport.ts'

/** The parts of a client that know the network and nothing of the account. */
export interface Network extends AsyncDisposable {
  readonly pool: PathPool
  readonly nodes: NodeDirectory
  readonly clock: NetworkClock
  readonly onion: TimedOnion
  readonly swarms: SwarmDirectory
  readonly requester: SwarmRequester
  readonly servers: ServerRequester
  /** Asks nodes without noting what their answers say about the time. */
  readonly untimed: OnionTransport
  /** How to connect to a node directly, where that can be done. */
  readonly openWebSocket: Transport['openWebSocket']
  /** This machine's own. */
  readonly systemTime: Clock
  readonly random: Random
}

/** Puts the parts together, each on those before it. */
export function createNetwork(given: ClientOptions): Network {
  const options = { ...defaultClientOptions, ...given }
  const { random, log } = options
  const systemTime: Clock = options.clock
  const parts = new AsyncDisposableStack()
  const transport = given.transport ?? parts.use(createHttpsTransport())
  const pool = new PathPool({ random, guards: options.guards }, options.pool)
  const sender = new PathSender(
    { transport, pool, clock: systemTime },
    { ...options.path, encryption: options.encryption, pathTimeoutMs: options.pathTimeoutMs },
  )
  const onionTransport = new OnionTransport({ sender, onRoute: given.onRoute })
  const nodes = parts.use(
    new NodeDirectory(
      { transport, onion: onionTransport, pool, clock: systemTime, random, log },
      {
        seeds: options.seeds.map((seed) => (typeof seed === 'string' ? { url: seed } : seed)),
        seed: { ...options.seed, backoffMs: options.seedBackoffMs },
        refreshAfterMs: options.nodeListRefreshAfterMs,
      },
    ),
  )
  const clock = new NetworkClock(systemTime)
  const onion = new TimedOnion({ onion: onionTransport, pool, clock, random })
  const swarms = new SwarmDirectory({ onion: onionTransport, nodes, pool, clock: systemTime, random })
  const requester = new SwarmRequester({ onion, swarms, pool, clock, random }, options.swarm)
  return {
    pool,
    nodes,
    clock,
    onion,
    swarms,
    requester,
    servers: new ServerRequester(sender),
    untimed: onionTransport,
    openWebSocket: transport.openWebSocket,
    systemTime,
    random,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
