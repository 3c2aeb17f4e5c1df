import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { type DurationMs, MINUTE, SECOND } from '../base/clock.ts'
import { CodedError, type ErrorDetails } from '../base/coded-error.ts'
import { withDeadline } from '../base/deadline.ts'
import { ADMIN_SOCKET_FILE } from '../node/admin-socket.ts'
import type { NodeStatus } from '../node/status.ts'
import { isNodeStatus, isPeersDocument, isSettingsDocument, isSwarmDocument } from '../node/status-document.ts'
import type { PeersDocument } from '../node/status-peers.ts'
import type { SettingsDocument } from '../node/status-settings.ts'
import type { SwarmDocument } from '../node/status-swarm.ts'
import { isTrafficDocument, type TrafficDocument } from '../node/traffic-history.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../protocol/json.ts'
import { collectedOfJson, jsonOfSubject } from '../staking/signatures/signature-json.ts'
import type { CollectedSignature, SignatureSource, SignatureSubject } from '../staking/signatures/signature-source.ts'
import { isListening } from './listening.ts'

export type AdminClientErrorCode =
  /** No service node runs with this data folder. */
  | 'NODE_NOT_RUNNING'
  /** The data folder or its socket belongs to another user, as whom this command has to be run. */
  | 'NODE_OF_OTHER_USER'
  /** The running service node takes no more connections to its socket for now: other commands have them. */
  | 'NODE_BUSY'
  /** The running service node did not answer in time. */
  | 'NODE_SILENT'
  /** The running service node answered something that is no answer: it may be of another version. */
  | 'NODE_ANSWER_MALFORMED'

export class AdminClientError extends CodedError<AdminClientErrorCode> {}

/** What the node itself refused, under the node's own code. */
export class NodeRefusal extends CodedError<string> {}

/** Talks to the service node that runs on this machine. */
export interface AdminClient extends SignatureSource {
  /** @throws {AdminClientError} @throws {NodeRefusal} */
  status(signal: AbortSignal, timeoutMs?: DurationMs): Promise<NodeStatus>
  /** Other members, at most so many of them. */
  peers(countMax: number, signal: AbortSignal): Promise<PeersDocument>
  swarm(signal: AbortSignal): Promise<SwarmDocument>
  /** What the node had to do in the last hour. */
  traffic(signal: AbortSignal): Promise<TrafficDocument>
  /** What the node was made with, without secrets. */
  settings(signal: AbortSignal): Promise<SettingsDocument>
  /** What the node's ledger of rewards holds: index, block and root, and with a recipient its total as decimal text. */
  rewards(recipient: `0x${string}` | undefined, signal: AbortSignal): Promise<JsonObject>
  /** Begins a backup into a folder, given by its absolute path; `backup` tells what becomes of it. */
  startBackup(to: string, signal: AbortSignal): Promise<JsonObject>
  backup(signal: AbortSignal): Promise<JsonObject>
  cancelBackup(signal: AbortSignal): Promise<JsonObject>
  /** What of which part is logged, and until when. */
  logLevels(signal: AbortSignal): Promise<JsonObject>
  /** `levels` by part, and for how many `seconds`. */
  setLogLevels(wish: JsonObject, signal: AbortSignal): Promise<JsonObject>
  resetLogLevels(signal: AbortSignal): Promise<JsonObject>
}

/** The status of a network of 10,000 nodes is shorter. */
const ANSWER_MAX_BYTES = 1024 * 1024
const SHORT_MS: DurationMs = 10 * SECOND
/** The node asks all members and tells false signatures from right ones. */
const SIGNATURES_MS: DurationMs = 4 * MINUTE

export function adminSocketPath(dataFolder: string): string {
  return join(dataFolder, ADMIN_SOCKET_FILE)
}

export function createAdminClient({ socketPath }: { readonly socketPath: string }): AdminClient {
  const ask = async (method: string, path: string, timeoutMs: DurationMs, parent: AbortSignal, body?: JsonObject) =>
    jsonOf(await askNode({ socketPath, method, path, body, signal: withDeadline(timeoutMs, parent) }, parent))
  const read: ReadDocument = async (path, isDocument, parent, timeoutMs = SHORT_MS) => {
    const question = { socketPath, method: 'GET', path, body: undefined, signal: withDeadline(timeoutMs, parent) }
    return documentOf(await askNode(question, parent), isDocument)
  }
  return {
    status: (signal, timeoutMs) => read('/v1/status', isNodeStatus, signal, timeoutMs),
    peers: (countMax, signal) => read(`/v1/peers?count=${countMax}`, isPeersDocument, signal),
    swarm: (signal) => read('/v1/swarm', isSwarmDocument, signal),
    traffic: (signal) => read('/v1/traffic', isTrafficDocument, signal),
    settings: (signal) => read('/v1/settings', isSettingsDocument, signal),
    async rewards(recipient, signal) {
      const query = recipient === undefined ? '' : `?recipient=${recipient}`
      return objectOf(await ask('GET', `/v1/rewards${query}`, SHORT_MS, signal))
    },
    startBackup: async (to, signal) => objectOf(await ask('POST', '/v1/backup', SHORT_MS, signal, { to })),
    backup: async (signal) => objectOf(await ask('GET', '/v1/backup', SHORT_MS, signal)),
    cancelBackup: async (signal) => objectOf(await ask('DELETE', '/v1/backup', SHORT_MS, signal)),
    logLevels: async (signal) => objectOf(await ask('GET', '/v1/log-levels', SHORT_MS, signal)),
    setLogLevels: async (wish, signal) => objectOf(await ask('POST', '/v1/log-levels', SHORT_MS, signal, wish)),
    resetLogLevels: async (signal) => objectOf(await ask('DELETE', '/v1/log-levels', SHORT_MS, signal)),
    async collect(subject: SignatureSubject, signal): Promise<CollectedSignature> {
      const answer = await ask('POST', '/v1/signatures', SIGNATURES_MS, signal, jsonOfSubject(subject))
      const collected = collectedOfJson(answer)
      if (collected === undefined || collected.kind !== subject.kind) throw malformed()
      return collected
    },
  }
}

/** A document in which numbers are measured, so that they need not be whole. */
type ReadDocument = <Document>(
  path: string,
  isDocument: (value: unknown) => value is Document,
  parent: AbortSignal,
  timeoutMs?: DurationMs,
) => Promise<Document>

interface NodeQuestion {
  readonly socketPath: string
  readonly method: string
  readonly path: string
  readonly body: JsonObject | undefined
  readonly signal: AbortSignal
}

async function askNode(question: NodeQuestion, parent: AbortSignal): Promise<Uint8Array> {
  let response: IncomingMessage | undefined
  let bytes: Uint8Array
  try {
    response = await send(question)
    bytes = await readAnswer(response)
  } catch (error) {
    const isHungUp = response === undefined && HUNG_UP.has(codeOf(error))
    // A node that stops takes its socket away before it hangs up.
    const isThere = isHungUp && (await isListening({ path: question.socketPath }, question.signal))
    throw isThere ? busy(error) : errorOf(error, question, parent)
  }
  if (response.statusCode === 200) return bytes
  const answer = jsonOf(bytes)
  if (!isJsonObject(answer) || typeof answer['code'] !== 'string' || typeof answer['message'] !== 'string') {
    throw malformed()
  }
  throw new NodeRefusal(answer['code'], answer['message'], { details: detailsOf(answer['details']) })
}

async function send({ socketPath, method, path, body, signal }: NodeQuestion): Promise<IncomingMessage> {
  const sent = request({ socketPath, method, path, signal, agent: false })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

async function readAnswer(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > ANSWER_MAX_BYTES) throw malformed()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What the one that is too many finds, depending on how far it got with its request. */
const HUNG_UP: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE'])
const NOT_RUNNING: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR'])

function errorOf(error: unknown, { socketPath, signal }: NodeQuestion, parent: AbortSignal): unknown {
  if (error instanceof CodedError) return error
  if (parent.aborted) return parent.reason
  if (signal.aborted) return new AdminClientError('NODE_SILENT', 'The service node does not answer in time')
  const code = codeOf(error)
  if (code === 'EACCES' || code === 'EPERM') {
    const message = `This user may not open ${socketPath}: run the command with sudo, as the user that the node runs as: sudo -u starling starling …`
    return new AdminClientError('NODE_OF_OTHER_USER', message, { details: { socketPath } })
  }
  if (NOT_RUNNING.has(code)) {
    const message = `No service node listens at ${socketPath}: start it with starling run, or give its data folder`
    return new AdminClientError('NODE_NOT_RUNNING', message, { details: { socketPath, cause: String(code) } })
  }
  return new AdminClientError('NODE_SILENT', 'The service node broke off; it may have stopped', { cause: error })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** It hangs up at once on those that are too many. */
function busy(cause: unknown): AdminClientError {
  const message = 'The service node is busy with as many commands as it takes at a time: try again in a moment'
  return new AdminClientError('NODE_BUSY', message, { cause })
}

function jsonOf(bytes: Uint8Array): JsonValue {
  try {
    return parseJson(bytes)
  } catch {
    throw malformed()
  }
}

/** What is signed or sent is read with more care, and its numbers are whole; here it is enough that it has its form. */
function documentOf<Document>(bytes: Uint8Array, isDocument: (value: unknown) => value is Document): Document {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString())
  } catch {
    throw malformed()
  }
  if (!isDocument(value)) throw malformed()
  return value
}

function objectOf(value: JsonValue): JsonObject {
  if (!isJsonObject(value)) throw malformed()
  return value
}

function detailsOf(value: JsonValue | undefined): ErrorDetails {
  if (!isJsonObject(value)) return {}
  const plain = Object.entries(value).filter(([, fact]) => ['string', 'number', 'boolean'].includes(typeof fact))
  return Object.fromEntries(plain) as ErrorDetails
}

function malformed(): AdminClientError {
  return new AdminClientError(
    'NODE_ANSWER_MALFORMED',
    "The service node's answer cannot be read; is it of this version?",
  )
}
