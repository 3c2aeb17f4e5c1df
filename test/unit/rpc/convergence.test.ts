// Members of a swarm get the same forwarded requests, signed by clients, each in an order of its own and some of them twice. They have
// to end with the same: what the requests come to in the order of their stamps.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { toBase64, toHex } from '../../../src/base/bytes.ts'
import { MINUTE } from '../../../src/base/clock.ts'
import { ed25519KeyPairFromSeed } from '../../../src/crypto/keys.ts'
import { sign } from '../../../src/crypto/signature.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import { subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import { compareHashes } from '../../../src/protocol/message.ts'
import { stampMs } from '../../../src/protocol/operation-stamp.ts'
import { decodeForwardedAnswer, encodeForwardedRequest } from '../../../src/protocol/peer-api/forwarded-request.ts'
import {
  deliveries,
  hashOf,
  histories,
  messageRequests,
  NAMESPACES,
  type Placed,
  type Request,
  replayed,
  revocationRequests,
  revokedTokens,
} from '../storage/replay-model.ts'
import { everything } from '../storage/store-fixture.ts'
import { anAccount, createTestNetwork, START_MS, type TestNode } from './rpc-fixture.ts'

const neverAborted = new AbortController().signal

let made = 0

function newGroup() {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(++made)
  const pair = ed25519KeyPairFromSeed(seed)
  const id = `03${toHex(pair.publicKey)}` as AccountId
  return { id, sign: (text: string | Uint8Array) => sign(Buffer.from(text), pair.secretKey) }
}

type Group = ReturnType<typeof newGroup>

/** Subaccounts that may write, and those made up for the rest of the list. */
const members = Array.from({ length: 6 }, (_, at) => anAccount(10 + at))
const tokens = Array.from({ length: 61 }, (_, at) => {
  const member = members[at]
  return member === undefined ? Buffer.alloc(36, at) : Buffer.from(subaccountToken(3, 2, member.pair.publicKey))
})

const base64 = (bytes: Uint8Array) => toBase64(bytes)

/** What a client sends at a moment. Stores by a subaccount are of its own, so that it shows whether it was let. */
function asClient(group: Group, request: Request, atMs: number, by?: number): [method: string, params: object] {
  const common = { pubkey: group.id }
  switch (request.kind) {
    case 'store': {
      const { namespace, data } = request.wish
      const params = {
        ...common,
        namespace,
        timestamp: START_MS + request.timestamp,
        expiry: START_MS + request.expiry,
        data: base64(Buffer.from(data)),
        sig_timestamp: atMs,
      }
      const text = `store${namespace === 0 ? '' : namespace}${atMs}`
      const member = by === undefined ? undefined : members[by]
      if (member === undefined) return ['store', { ...params, signature: base64(group.sign(text)) }]
      const token = tokens[by ?? 0] ?? Buffer.alloc(36)
      const proof = { subaccount: base64(token), subaccount_sig: base64(group.sign(token)) }
      return ['store', { ...params, ...proof, signature: member.sign(text) }]
    }
    case 'delete': {
      const messages = request.wishes.map((wish) => hashOf(group.id, wish))
      return ['delete', { ...common, messages, signature: base64(group.sign(`delete${messages.join('')}`)) }]
    }
    case 'expire': {
      const messages = request.changes.map(({ wish }) => hashOf(group.id, wish))
      const expiry = request.changes.map((change) => START_MS + change.expiry)
      const flag = request.mode === 'shorten' || request.mode === 'extend' ? request.mode : ''
      const text = `expire${flag}${expiry.join('')}${messages.join('')}`
      const flags = flag === '' ? {} : { [flag]: true }
      return ['expire', { ...common, messages, expiry, ...flags, signature: base64(group.sign(text)) }]
    }
    case 'deleteAll': {
      const { namespace } = request
      const text = `delete_all${namespace === 0 ? '' : namespace}${atMs}`
      return ['delete_all', { ...common, namespace, timestamp: atMs, signature: base64(group.sign(text)) }]
    }
    case 'deleteBefore': {
      const { namespace } = request
      const before = START_MS + request.before
      const text = `delete_before${namespace === 0 ? '' : namespace}${before}`
      return ['delete_before', { ...common, namespace, before, signature: base64(group.sign(text)) }]
    }
    case 'expireAll': {
      const { namespace } = request
      const expiry = START_MS + request.expiry
      const text = `expire_all${namespace === 0 ? '' : namespace}${expiry}`
      return ['expire_all', { ...common, namespace, expiry, signature: base64(group.sign(text)) }]
    }
    case 'revoke':
    case 'unrevoke': {
      const list = request.tokens.map((number) => tokens[number] ?? Buffer.alloc(36))
      const signature = base64(group.sign(Buffer.concat([Buffer.from(`${request.kind}_subaccount${atMs}`), ...list])))
      const params = { ...common, timestamp: atMs, [request.kind]: list.map(toHex), signature }
      return [`${request.kind}_subaccount`, params]
    }
  }
}

/** Passes a request on to a member as the entry node would that gave it its stamp. */
async function passOn(to: TestNode, from: TestNode, group: Group, { at, request, by }: ByMember): Promise<number> {
  const stamp = START_MS * 1000 + at
  const receivedMs = stampMs(stamp)
  const [method, params] = asClient(group, request, receivedMs, by)
  const payload = encodeForwardedRequest({ method, params: JSON.parse(JSON.stringify(params)), receivedMs, stamp })
  return decodeForwardedAnswer(await to.handleForwarded(from.key, payload, neverAborted)).status
}

/** By whom a store is signed: the owner, or one of the subaccounts. */
type ByMember = Placed & { by?: number | undefined }

async function contentsOf({ store }: TestNode, account: AccountId) {
  const found = await Promise.all(
    NAMESPACES.map((namespace) => store.store.retrieve({ account, namespace, ...everything })),
  )
  return found.flatMap(({ messages }) => messages).sort((a, b) => compareHashes(a.hash, b.hash))
}

/** As clients may send it: what they cannot say is left out. */
function isSendable({ at, request }: Placed): boolean {
  const atMs = START_MS + at / 1000
  switch (request.kind) {
    case 'store':
      // At least ten seconds to live when stored, and not over.
      return START_MS + request.expiry >= atMs && request.expiry - request.timestamp >= 10_000
    case 'expire':
      return request.mode !== 'extend-any' && request.changes.every(({ expiry }) => START_MS + expiry >= atMs - MINUTE)
    case 'expireAll':
      return START_MS + request.expiry >= atMs - MINUTE
    case 'revoke':
      return request.tokens.length <= 50
    default:
      return true
  }
}

test('members that get forwarded requests in any order, and twice, hold the same', async () => {
  // The clock stands still, so what a member may pass on is never given back.
  const memberRate = { burst: 1_000_000, perSecond: 1 }
  await using network = await createTestNetwork(4, { rpc: { memberRate, memberOpenWriteRate: memberRate } })
  const [entry, ...others] = network.nodes
  if (entry === undefined) throw new Error('A network has nodes')
  const byMembers = fc.array(fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }), {
    minLength: 14,
    maxLength: 14,
  })
  const scenes = fc
    .tuple(histories(messageRequests, 14), histories(revocationRequests, 4), byMembers)
    .map(([requests, revocations, by]) => ({
      requests: requests.filter(isSendable).map(
        (placed, at): ByMember => ({
          ...placed,
          // Only where it makes a difference: a public outbox asks for more than these tokens allow.
          by: placed.request.kind === 'store' && placed.request.wish.namespace === 5 ? by[at] : undefined,
        }),
      ),
      revocations: revocations.filter(isSendable),
    }))
    .filter(({ requests, revocations }) => requests.length > 0 && revocations.length > 0)
    .chain(({ requests, revocations }) => {
      const orders = others.map(() => fc.tuple(deliveries(revocations), deliveries(requests)))
      return fc.tuple(fc.constant(requests), fc.constant(revocations), fc.tuple(...orders))
    })
  await fc.assert(
    fc.asyncProperty(scenes, async ([requests, revocations, orders]) => {
      const group = newGroup()
      await Promise.all(
        others.map(async (node, at) => {
          const [early, rest] = orders[at] ?? [[], []]
          for (const each of early) expect(await passOn(node, entry, group, each)).toBe(200)
          await Promise.all(rest.map((each) => passOn(node, entry, group, each)))
        }),
      )
      const allRevocations = revocations.map((placed) => ({ ...placed, baseMs: START_MS }))
      const allowed = requests.filter(
        ({ by, at }) => by === undefined || !revokedTokens(allRevocations, START_MS * 1000 + at).includes(by),
      )
      const expected = replayed(
        group.id,
        allowed.map((placed) => ({ ...placed, baseMs: START_MS })),
        START_MS,
      ).sort((a, b) => compareHashes(a.hash, b.hash))
      const revoked = revokedTokens(allRevocations).map((number) => tokens[number])
      for (const node of others) {
        expect(await contentsOf(node, group.id)).toEqual(expected)
        expect(node.store.store.revocations.revoked(group.id)).toEqual(revoked)
      }
    }),
    { numRuns: 60 },
  )
})
