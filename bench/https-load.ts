// Requests from many clients at once to two servers in turn: how many are answered, how late the slowest are, and what processor time
// the servers take for them.
import { encodePost, HttpsConnection, type Target } from './https-connection.ts'
import { processorSeconds } from './processor-time.ts'
import { median } from './ratio.ts'

/** One of the two that are compared. */
export interface Server {
  readonly target: Target
  /** The processes that work for it. */
  readonly pids: readonly number[]
  /** Whether it takes a request a second time for what it took the first time for. */
  readonly repeats: boolean
}

export interface Request {
  readonly body: Uint8Array
  /** Throws when the answer says that it failed. */
  readonly check?: (answer: Buffer) => void
}

export interface Load {
  /** Clients that ask at the same time, each one request after another. */
  readonly clients: number
  /** Whether each request comes over a connection of its own, as Session's clients make it. */
  readonly fresh: boolean
  /** Makes the requests of a round, which none of its servers has seen. */
  readonly requests: (count: number) => readonly Request[]
  /** As many as are answered in a round, or a few more; the round ends with them. */
  readonly requestsMax: number
}

export interface Figures {
  readonly perSecond: number
  readonly p99Ms: number
  /** Requests in a second of the servers' processor time. */
  readonly perProcessorSecond: number
}

const ROUNDS = 5
const ROUND_MS = 600

/** Measures both in alternating rounds, so that a noisy neighbour hits both, and takes the median round of each figure. */
export async function compareServers(
  ours: Server,
  limit: Server,
  load: Load,
): Promise<{ ours: Figures; limit: Figures }> {
  const rounds = { ours: [] as Figures[], limit: [] as Figures[] }
  // The first round of each is for compiling, and for looking whether what was asked is done.
  for (let round = 0; round <= ROUNDS; round++) {
    const requests = load.requests(load.requestsMax)
    const figures = {
      ours: await measure(ours, requests, load, round === 0),
      limit: await measure(limit, requests, load, false),
    }
    if (round === 0) continue
    rounds.ours.push(figures.ours)
    rounds.limit.push(figures.limit)
  }
  return { ours: middle(rounds.ours), limit: middle(rounds.limit) }
}

async function measure(server: Server, requests: readonly Request[], load: Load, isChecked: boolean): Promise<Figures> {
  const posts = requests.map(({ body }) => encodePost(server.target, body, load.fresh))
  using clients = load.fresh ? freshClients(server.target) : await keptClients(server.target, load.clients)
  const tookMs: number[] = []
  let next = 0
  const before = processorSeconds(server.pids)
  const startMs = performance.now()
  const lane = async (_: unknown, client: number) => {
    while (performance.now() - startMs < ROUND_MS) {
      const at = server.repeats ? next++ % posts.length : next++
      const post = posts[at]
      if (post === undefined) return
      const askedMs = performance.now()
      const answer = await clients.ask(client, post)
      tookMs.push(performance.now() - askedMs)
      if (isChecked) requests[at]?.check?.(answer)
    }
  }
  await Promise.all(Array.from({ length: load.clients }, lane))
  const elapsedS = (performance.now() - startMs) / 1000
  const processorS = processorSeconds(server.pids) - before
  return {
    perSecond: tookMs.length / elapsedS,
    p99Ms: percentile(tookMs, 0.99),
    perProcessorSecond: tookMs.length / processorS,
  }
}

interface Clients extends Disposable {
  ask(client: number, post: Uint8Array): Promise<Buffer>
}

async function keptClients(target: Target, count: number): Promise<Clients> {
  const connections = await Promise.all(
    Array.from({ length: count }, (_, client) => HttpsConnection.open(target, client)),
  )
  return {
    async ask(client, post) {
      const connection = connections[client]
      if (connection === undefined) throw new Error(`There are ${count} clients`)
      return await connection.ask(post)
    },
    [Symbol.dispose]() {
      for (const connection of connections) connection[Symbol.dispose]()
    },
  }
}

function freshClients(target: Target): Clients {
  return {
    async ask(client, post) {
      using connection = await HttpsConnection.open(target, client)
      return await connection.ask(post)
    },
    [Symbol.dispose]: () => {},
  }
}

function middle(rounds: readonly Figures[]): Figures {
  return {
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    perProcessorSecond: median(rounds.map(({ perProcessorSecond }) => perProcessorSecond)),
  }
}

export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? 0
}
