import { isAbsolute } from 'node:path'
import { type DurationMs, SECOND } from '../base/clock.ts'
import { CodedError } from '../base/coded-error.ts'
import { raceSignal, withDeadline } from '../base/deadline.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { isJsonObject, type JsonValue, parseJson } from '../protocol/json.ts'
import { jsonOfCollected, subjectOfJson } from '../staking/signatures/signature-json.ts'
import type { SignatureSource } from '../staking/signatures/signature-source.ts'
import { type AdminAnswer, type AdminHandler, type AdminRequest, failure } from './admin-socket.ts'
import type { BackupStatus, Backups } from './backups.ts'
import type { LogRoutes } from './log-routes.ts'
import type { NodeStatus } from './status.ts'
import { PEERS_MAX, type PeersDocument } from './status-peers.ts'
import type { SettingsDocument } from './status-settings.ts'
import type { SwarmDocument } from './status-swarm.ts'
import { TRAFFIC_VERSION, type TrafficDocument, type TrafficHistory } from './traffic-history.ts'

/** Lifetime totals of rewards, as far as an operator asks for them. */
export interface AdminRewards {
  current(): RewardsPlace | undefined
  total(address: string): (RewardsPlace & { readonly totalAtomic: bigint }) | undefined
}

interface RewardsPlace {
  readonly index: number
  readonly blockNumber: bigint
  readonly root: string
}

/** What the node tells of itself. */
export interface AdminStatus {
  status(): Promise<NodeStatus>
  /** At most so many of them. */
  peers(countMax: number): PeersDocument
  swarm(): Promise<SwarmDocument>
  settings(): SettingsDocument
}

export interface AdminRoutesComponents {
  /** Undefined where there is no whole node. */
  readonly told?: AdminStatus | undefined
  readonly signatures: SignatureSource
  /** Undefined while this node keeps no ledger. */
  readonly rewards: AdminRewards | undefined
  /** Undefined where no messages are kept. */
  readonly backups?: Backups | undefined
  /** Undefined where nothing is remembered. */
  readonly history?: Pick<TrafficHistory, 'samples' | 'sampleIntervalMs'> | undefined
  /** Undefined where the log's levels are nobody's to change. */
  readonly logRoutes?: LogRoutes | undefined
}

type Route = (request: AdminRequest, signal: AbortSignal) => Promise<AdminAnswer>

export interface AdminRoutesOptions {
  /** How long what only reads may take. */
  readonly readMaxMs: DurationMs
}

/** The slowest of them waits for 0.4 s at most; half of what the command waits for leaves it time to say what was wrong. */
export const defaultAdminRoutesOptions: AdminRoutesOptions = { readMaxMs: 5 * SECOND }

/** What the operator can ask the running node for. */
export function createAdminRoutes(
  { told, signatures, rewards, backups, history, logRoutes }: AdminRoutesComponents,
  { readMaxMs } = defaultAdminRoutesOptions,
): AdminHandler {
  const routes: Readonly<Record<string, Route>> = {
    ...(told === undefined ? {} : statusRoutes(told)),
    'GET /v1/rewards': async ({ query }) => rewardsAnswer(rewards, query.get('recipient')),
    'POST /v1/signatures': async ({ body }, signal) => {
      const subject = subjectOfJson(jsonOf(body))
      if (subject === undefined)
        return failure(400, 'REQUEST_MALFORMED', 'kind, and blsPublicKey or recipient, are needed')
      return { status: 200, body: jsonOfCollected(await signatures.collect(subject, signal)) }
    },
    ...(backups === undefined ? {} : backupRoutes(backups)),
    ...(history === undefined ? {} : { 'GET /v1/traffic': async () => trafficAnswer(history) }),
    ...(logRoutes === undefined ? {} : logLevelRoutes(logRoutes)),
  }
  return async (request, signal) => {
    const name = `${request.method} ${request.path}`
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (route === undefined) return failure(404, 'ROUTE_UNKNOWN', `There are ${Object.keys(routes).join(', ')}`)
    const limited = request.method === 'GET' ? withDeadline(readMaxMs, signal) : signal
    try {
      return await raceSignal(route(request, limited), limited)
    } catch (error) {
      if (limited.aborted) return failure(503, 'STOPPED', 'The node stops, or it took too long')
      if (error instanceof CodedError) return failure(503, String(error.code), error.message, error.details)
      throw error
    }
  }
}

/** So many are told when nobody says how many. */
const PEERS_DEFAULT = 200

function statusRoutes(told: AdminStatus): Readonly<Record<string, Route>> {
  return {
    'GET /v1/status': async () => ({ status: 200, body: await told.status() }),
    'GET /v1/peers': async ({ query }) => {
      const count = query.get('count') ?? String(PEERS_DEFAULT)
      if (!/^[0-9]{1,4}$/.test(count) || Number(count) < 1 || Number(count) > PEERS_MAX) {
        return failure(400, 'REQUEST_MALFORMED', `count must be a whole number from 1 to ${PEERS_MAX}`)
      }
      return { status: 200, body: told.peers(Number(count)) }
    },
    'GET /v1/swarm': async () => ({ status: 200, body: await told.swarm() }),
    'GET /v1/settings': async () => ({ status: 200, body: told.settings() }),
  }
}

/** A backup takes longer than a request may, so it is begun, looked at, and called off. */
function backupRoutes(backups: Backups): Readonly<Record<string, Route>> {
  return {
    'POST /v1/backup': async ({ body }) => {
      const asked = jsonOf(body)
      const to = isJsonObject(asked) ? asked['to'] : undefined
      if (typeof to !== 'string' || !isAbsolute(to) || to.includes('\0')) {
        return failure(400, 'REQUEST_MALFORMED', 'to must be the absolute path of a folder')
      }
      return backupAnswer(backups.start(to))
    },
    'GET /v1/backup': async () => backupAnswer(backups.status()),
    'DELETE /v1/backup': async () => backupAnswer(await backups.cancel()),
  }
}

function logLevelRoutes({ show, change, reset }: LogRoutes): Readonly<Record<string, Route>> {
  return {
    'GET /v1/log-levels': async () => show(),
    'POST /v1/log-levels': async ({ body }) => change(jsonOf(body)),
    'DELETE /v1/log-levels': async () => reset(),
  }
}

function trafficAnswer({
  samples,
  sampleIntervalMs,
}: Pick<TrafficHistory, 'samples' | 'sampleIntervalMs'>): AdminAnswer {
  const body: TrafficDocument = { version: TRAFFIC_VERSION, sampleIntervalMs, samples: samples() }
  return { status: 200, body }
}

function backupAnswer(status: BackupStatus): AdminAnswer {
  if (status.state !== 'failed') return { status: 200, body: status }
  if (!(status.error instanceof CodedError)) throw status.error
  const { code, message, details } = status.error
  return failure(503, String(code), message, details)
}

function rewardsAnswer(rewards: AdminRewards | undefined, recipient: string | null): AdminAnswer {
  if (recipient !== null && !/^0x[0-9a-fA-F]{40}$/.test(recipient)) {
    return failure(400, 'REQUEST_MALFORMED', 'recipient must be 0x and 40 hex digits')
  }
  const found = recipient === null ? rewards?.current() : rewards?.total(recipient)
  if (found === undefined) return failure(503, 'REWARDS_UNKNOWN', 'This service node has no ledger of rewards yet')
  const { index, blockNumber, root } = found
  const place = { index, block: blockNumber, root }
  return { status: 200, body: 'totalAtomic' in found ? { ...place, total: found.totalAtomic } : place }
}

/** Undefined for what is no JSON. */
function jsonOf(body: Uint8Array): JsonValue | undefined {
  try {
    return parseJson(body)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
