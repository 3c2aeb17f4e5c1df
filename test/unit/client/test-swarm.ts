// What the nodes of a test network answer as destinations: one swarm that keeps messages, with real hashes and signatures.
import { toBase64, toHex } from '../../../src/base/bytes.ts'
import type { TimestampMs } from '../../../src/base/clock.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { parseBatchParams } from '../../../src/protocol/client-api/batch.ts'
import { deleteResultSignedText, parseDeleteParams } from '../../../src/protocol/client-api/delete.ts'
import { parseDeleteAllParams } from '../../../src/protocol/client-api/delete-all.ts'
import type { Envelope } from '../../../src/protocol/client-api/envelope.ts'
import { expireResultSignedText, parseExpireParams } from '../../../src/protocol/client-api/expire.ts'
import { parseGetExpiriesParams } from '../../../src/protocol/client-api/get-expiries.ts'
import { affectedHashesSignedText } from '../../../src/protocol/client-api/namespace-or-all.ts'
import { parseRetrieveParams } from '../../../src/protocol/client-api/retrieve.ts'
import { parseStoreParams, storeResultSignedText } from '../../../src/protocol/client-api/store.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/json.ts'
import { compareHashes, hashMessage, type MessageHash, type StoredMessage } from '../../../src/protocol/message.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import type { Reply, TestNetwork, TestNode } from './test-network.ts'
import { seedReply } from './test-network.ts'

export interface TestSwarm {
  members: readonly TestNode[]
  /** What each member holds, in its own order. */
  readonly held: Map<ServiceNodeKey, StoredMessage[]>
  /** By the nodes' clocks. */
  nowMs: () => TimestampMs
  /** Messages in one page. */
  pageSize: number
  /** Takes part in every result of a member before it is answered. */
  spoil: (result: JsonObject, member: TestNode) => JsonObject
}

/** Makes `members` keep the messages of every account, and every node answer what any node answers. */
export function startTestSwarm(network: TestNetwork, members: readonly TestNode[]): TestSwarm {
  const swarm: TestSwarm = {
    members,
    held: new Map(network.nodes.map((node) => [node.key, []])),
    nowMs: () => Date.now(),
    pageSize: 100,
    spoil: (result) => result,
  }
  for (const node of network.nodes) node.answer = (request) => answer(network, swarm, node, request)
  return swarm
}

export function answer(network: TestNetwork, swarm: TestSwarm, node: TestNode, request: Envelope): Reply {
  const { method, params } = request
  if (method === 'info') return ok(swarm, { version: [1, 2, 3], timestamp: swarm.nowMs() })
  if (method === 'get_swarm') return ok(swarm, swarmBody(swarm))
  if (method === 'oxend_request') return ok(swarm, { result: JSON.parse(seedReply(network.nodes)).result })
  if (method === 'monitor') return { status: 400, body: 'no method monitor' }
  if (!swarm.members.includes(node)) return { status: 421, body: swarmBody(swarm) }
  if (method === 'retrieve') return retrieve(swarm, node, params)
  if (method === 'get_expiries') return expiries(swarm, node, params)
  if (method === 'batch' || method === 'sequence') return batch(network, swarm, node, params)
  const results = swarm.members.map((member) => [member.key, swarm.spoil(change(swarm, member, request), member)])
  return ok(swarm, { swarm: Object.fromEntries(results) })
}

export function swarmBody(swarm: TestSwarm): JsonObject {
  const snodes = swarm.members.map((node) => ({
    ip: node.ip,
    port_https: node.httpsPort,
    pubkey_ed25519: node.key,
    pubkey_x25519: toHex(node.x25519),
  }))
  return { snodes, swarm: '1' }
}

function ok(swarm: TestSwarm, body: JsonObject): Reply {
  return { status: 200, body: { ...body, t: swarm.nowMs(), hf: [19, 6] } }
}

function change(swarm: TestSwarm, member: TestNode, { method, params }: Envelope): JsonObject {
  switch (method) {
    case 'store':
      return store(swarm, member, params)
    case 'delete':
      return remove(swarm, member, params)
    case 'delete_all':
      return removeAll(swarm, member, params)
    case 'expire':
      return expire(swarm, member, params)
    default:
      throw new Error(`These nodes do not know ${method}`)
  }
}

function store(swarm: TestSwarm, member: TestNode, params: JsonObject): JsonObject {
  const { account, namespace, data, timestampMs, expiryMs } = parseStoreParams(params)
  const hash = hashMessage(account, namespace, data)
  swarm.held.get(member.key)?.push({ account, namespace, hash, data, timestampMs, expiryMs })
  return { hash, expiry: expiryMs, signature: signed(member, storeResultSignedText(hash)) }
}

function remove(swarm: TestSwarm, member: TestNode, params: JsonObject): JsonObject {
  const { account, hashes } = parseDeleteParams(params)
  const deleted = drop(swarm, member, (message) => hashes.includes(message.hash))
  return { deleted, signature: signed(member, deleteResultSignedText(account, hashes, deleted)) }
}

function removeAll(swarm: TestSwarm, member: TestNode, params: JsonObject): JsonObject {
  const { account, namespace, timestampMs } = parseDeleteAllParams(params)
  const deleted = drop(swarm, member, (message) => namespace === 'all' || message.namespace === namespace)
  const signature = signed(member, affectedHashesSignedText(account, timestampMs, deleted))
  return { deleted: namespace === 'all' ? { 0: deleted } : deleted, signature }
}

function drop(swarm: TestSwarm, member: TestNode, matches: (message: StoredMessage) => boolean): MessageHash[] {
  const messages = swarm.held.get(member.key) ?? []
  const rest = messages.filter((message) => !matches(message))
  swarm.held.set(member.key, rest)
  return messages
    .filter(matches)
    .map(({ hash }) => hash)
    .sort(compareHashes)
}

function expire(swarm: TestSwarm, member: TestNode, params: JsonObject): JsonObject {
  const { account, hashes, expiriesMs, mode } = parseExpireParams(params)
  const [expiryMs = 0] = expiriesMs
  const held = (swarm.held.get(member.key) ?? []).filter((message) => hashes.includes(message.hash))
  const moves = held.filter((message) => mode !== 'extend' || expiryMs > message.expiryMs)
  const unchanged = held.filter((message) => !moves.includes(message)).sort((a, b) => compareHashes(a.hash, b.hash))
  for (const message of moves) message.expiryMs = expiryMs
  const updated = moves.map(({ hash }) => hash).sort(compareHashes)
  return {
    expiry: expiryMs,
    updated,
    ...(mode !== 'set' && { unchanged: Object.fromEntries(unchanged.map((each) => [each.hash, each.expiryMs])) }),
    signature: signed(member, expireResultSignedText(account, expiriesMs, hashes, updated, unchanged)),
  }
}

function retrieve(swarm: TestSwarm, node: TestNode, params: JsonObject): Reply {
  const { account, namespace, afterHash } = parseRetrieveParams(params)
  const all = (swarm.held.get(node.key) ?? []).filter(
    (each) => each.account === account && each.namespace === namespace,
  )
  const after = all.slice(all.findIndex(({ hash }) => hash === afterHash) + 1)
  const messages = after.slice(0, swarm.pageSize).map(({ hash, data, timestampMs, expiryMs }) => ({
    hash,
    data: toBase64(data),
    timestamp: timestampMs,
    expiration: expiryMs,
    expiry: expiryMs,
  }))
  return ok(swarm, { messages, more: after.length > messages.length })
}

function expiries(swarm: TestSwarm, node: TestNode, params: JsonObject): Reply {
  const { hashes } = parseGetExpiriesParams(params)
  const held = (swarm.held.get(node.key) ?? []).filter((message) => hashes.includes(message.hash))
  return { status: 200, body: { expiries: Object.fromEntries(held.map(({ hash, expiryMs }) => [hash, expiryMs])) } }
}

function batch(network: TestNetwork, swarm: TestSwarm, node: TestNode, params: JsonObject): Reply {
  const replies = parseBatchParams(params).requests.map((request) => answer(network, swarm, node, request))
  const results: JsonValue = replies.map(({ status, body }) => ({ code: status, body }))
  return { status: 200, body: { results } }
}

function signed(node: TestNode, text: Uint8Array): string {
  return toBase64(sign(text, node.ed25519.secretKey))
}
