import { afterEach, beforeEach, expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { createSigningRequester } from '../../../src/node/signing-requests.ts'
import { isJsonObject, type JsonObject, parseJson } from '../../../src/protocol/json.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { startTestServer, type TestServer } from '../rpc/https-fixture.ts'
import { aMember, anEpoch } from '../swarm/member-lists.ts'

// How a node asks members for signatures when it is one of them, and when it is not any more.

const SELF = parseServiceNodeKey('11'.repeat(32)) as ServiceNodeKey
const STRANGER = parseServiceNodeKey('22'.repeat(32)) as ServiceNodeKey
const REQUEST = Uint8Array.of(2, 7)
const ASKING = { timeoutMs: 10_000 }

let server: TestServer
/** What the member answers with, and what it was asked. */
let reply: (call: JsonObject) => JsonObject | Promise<JsonObject>
let calls: JsonObject[]
beforeEach(async () => {
  calls = []
  reply = () => ({ result: { answer: '00ff' } })
  const handleJsonRpc = async (body: Uint8Array) => {
    const call = parseJson(body)
    if (!isJsonObject(call)) throw new Error('No call')
    calls.push(call)
    return await reply(call)
  }
  server = await startTestServer({}, { rpc: { handleJson: async () => ({ status: 500, body: {} }), handleJsonRpc } })
})
afterEach(() => server[Symbol.asyncDispose]())

function requester({ isMember }: { isMember: boolean }) {
  const member = aMember(1)
  const epoch = anEpoch(7, isMember ? [member, { ...aMember(2), key: SELF }] : [member])
  const overNetwork: string[] = []
  const contact = (key: ServiceNodeKey) =>
    key === STRANGER
      ? undefined
      : { key, ip: '127.0.0.1', httpsPort: server.port, peerPort: 1, version: [1, 0, 0] as const, timestampMs: 0 }
  const peers = {
    async request(_: ServiceNodeKey, protocol: string, payload: Uint8Array) {
      overNetwork.push(`${protocol} ${toHex(payload)}`)
      return Uint8Array.of(1)
    },
    contact,
  }
  const made = createSigningRequester({ self: SELF, chain: { current: () => epoch }, peers })
  return { ask: (key = member.key, options = ASKING) => made.request(key, 'sign', REQUEST, options), overNetwork }
}

test('a member asks over the peer network', async () => {
  const { ask, overNetwork } = requester({ isMember: true })
  expect(await ask()).toEqual(Uint8Array.of(1))
  expect(overNetwork).toEqual(['sign 0207'])
  expect(calls).toEqual([])
})

test('who has left asks where anyone may, with the same bytes', async () => {
  const { ask, overNetwork } = requester({ isMember: false })
  expect(toHex(await ask())).toBe('00ff')
  expect(calls).toEqual([{ jsonrpc: '2.0', id: 0, method: 'sign_reward', params: { request: '0207' } }])
  expect(overNetwork).toEqual([])
})

test('a member that is unknown, away, slow or answers something else gives no signature', async () => {
  const { ask } = requester({ isMember: false })
  await expect(ask(STRANGER)).rejects.toMatchObject({ code: 'PEER_UNKNOWN' })
  for (const wrong of [{}, { result: {} }, { result: { answer: 7 } }, { result: { answer: '0' } }, { error: {} }]) {
    reply = () => wrong
    await expect(ask()).rejects.toMatchObject({ code: 'PEER_FAILED' })
  }
  reply = () => ({ result: { answer: '00'.repeat(1000) } })
  await expect(ask()).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
  const { promise, resolve } = Promise.withResolvers<JsonObject>()
  reply = () => promise
  await expect(ask(aMember(1).key, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'PEER_TIMEOUT' })
  resolve({})
  await server[Symbol.asyncDispose]()
  await expect(ask()).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
})
