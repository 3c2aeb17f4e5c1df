import { utf8 } from '../base/bytes.ts'
import { type DurationMs, SECOND } from '../base/clock.ts'
import { wait } from '../base/wait.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { isJsonObject, parseJson } from '../protocol/json.ts'
import { JSON_ANSWER_VALUES_MAX } from '../protocol/limits.ts'
import { ClientError } from './errors.ts'
import { NODE_FIELDS, parseServiceNodeStates, type ReachableNode } from './reachable-node.ts'
import type { Certificate, Transport } from './transport.ts'

/** Where a client learns its first service nodes. Every service node can be one. */
export interface Seed {
  /** `http://…` or `https://…`; `/json_rpc` is added. */
  readonly url: string
  /**
   * A seed's word is all that a new client has, so its certificate is verified by default. A service node signs its own:
   * take `any` only when the way to it is trusted, such as in a network on one machine.
   */
  readonly certificate?: Certificate
}

export interface SeedOptions {
  readonly timeoutMs: DurationMs
  /** Rounds, in each of which all seeds are asked at once. */
  readonly attemptsMax: number
  /** Wait before the second round; each later one is twice as long. */
  readonly backoffMs: DurationMs
}

export const defaultSeedOptions: SeedOptions = { timeoutMs: 5 * SECOND, attemptsMax: 4, backoffMs: SECOND }

/** Room for NODES_MAX entries with these fields, about 375 bytes each. */
const RESPONSE_MAX_BYTES = 4 * 1024 * 1024

const REQUEST = utf8(
  JSON.stringify({
    jsonrpc: '2.0',
    method: 'get_n_service_nodes',
    params: { active_only: true, fields: NODE_FIELDS },
  }),
)

/**
 * The service node list of the first seed that answers with a valid one.
 * @throws {ClientError} SEEDS_UNAVAILABLE; the signal's reason
 */
export async function fetchFromSeeds(
  transport: Transport,
  seeds: readonly Seed[],
  options: SeedOptions,
  signal: AbortSignal,
): Promise<readonly ReachableNode[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await Promise.any(seeds.map((seed) => fetchFromSeed(transport, seed, options, signal)))
    } catch (cause) {
      signal.throwIfAborted()
      if (attempt >= options.attemptsMax) {
        throw seedsUnavailable(cause, { seeds: seeds.length, attempts: attempt })
      }
      await wait(options.backoffMs * 2 ** (attempt - 1), signal)
    }
  }
}

async function fetchFromSeed(
  transport: Transport,
  { url, certificate = 'verified' }: Seed,
  { timeoutMs }: SeedOptions,
  signal: AbortSignal,
): Promise<readonly ReachableNode[]> {
  const limits = { timeoutMs, responseMaxBytes: RESPONSE_MAX_BYTES, certificate, signal }
  const { status, body } = await transport.post(`${url.replace(/\/+$/, '')}/json_rpc`, REQUEST, limits)
  if (status !== 200) {
    throw new ClientError('NODE_LIST_INVALID', 'The seed answered with an error', { details: { status } })
  }
  return parseSeedReply(body)
}

/** @throws {ClientError} NODE_LIST_INVALID */
export function parseSeedReply(body: Uint8Array): readonly ReachableNode[] {
  const reply = parseJsonOrRefuse(body)
  const result = isJsonObject(reply) ? reply['result'] : undefined
  const nodes = parseServiceNodeStates(isJsonObject(result) ? result['service_node_states'] : undefined)
  if (nodes.length === 0) throw new ClientError('NODE_LIST_INVALID', 'The seed knows no service node with an address')
  return nodes
}

function parseJsonOrRefuse(body: Uint8Array) {
  try {
    return parseJson(body, JSON_ANSWER_VALUES_MAX)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new ClientError('NODE_LIST_INVALID', 'The list of service nodes is not JSON', { cause })
  }
}

function seedsUnavailable(cause: unknown, counts: { seeds: number; attempts: number }): ClientError {
  const [first] = cause instanceof AggregateError ? cause.errors : [cause]
  const reason = first instanceof ClientError ? first : undefined
  const message = `No seed answered with a list of service nodes${reason === undefined ? '' : `: ${reason.message}`}`
  const details = { ...counts, reason: reason?.code ?? 'unknown' }
  return new ClientError('SEEDS_UNAVAILABLE', message, { details, cause })
}
