// What nodes answer is anybody's: every call reads any JSON as an answer, or refuses it by a coded error, and nothing of it gets
// further than it should.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { accountFromSeed } from '../../../src/client/account.ts'
import { readActiveNodes, readInfo, readServiceNodes } from '../../../src/client/answers.ts'
import { batchCall } from '../../../src/client/calls/batch.ts'
import { deleteAllCall, deleteBeforeCall, deleteCall } from '../../../src/client/calls/delete.ts'
import { expireAllCall, expireCall, getExpiriesCall } from '../../../src/client/calls/expire.ts'
import { ifElseCall } from '../../../src/client/calls/if-else.ts'
import { retrieveCall } from '../../../src/client/calls/retrieve.ts'
import { revokeCall, revokedCall } from '../../../src/client/calls/revocation.ts'
import { storeCall } from '../../../src/client/calls/store.ts'
import { ClientError } from '../../../src/client/errors.ts'
import { groupFromSeed } from '../../../src/client/groups.ts'
import type { ReachableNode } from '../../../src/client/reachable-node.ts'
import type { SwarmCall } from '../../../src/client/swarm-call.ts'
import { ed25519KeyPairFromSeed, toX25519PublicKey } from '../../../src/crypto/keys.ts'
import { type JsonValue, parseJsonText } from '../../../src/protocol/json.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import { serviceNodeKey } from '../../../src/protocol/service-node.ts'

const account = accountFromSeed('11'.repeat(32))
const owner = groupFromSeed('22'.repeat(32))
const hash = hashMessage(account.id, 0, new Uint8Array(8))
const nowMs = 1_700_000_000_000
const { publicKey } = ed25519KeyPairFromSeed(new Uint8Array(32).fill(3))
const member: ReachableNode = {
  key: serviceNodeKey(publicKey),
  x25519: toX25519PublicKey(publicKey),
  ip: '127.0.1.1',
  httpsPort: 22_021,
}

const store = storeCall({ account: account.id, data: new Uint8Array(8) })
const retrieve = retrieveCall({}, account)
const calls: Record<string, SwarmCall<unknown>> = {
  store,
  retrieve,
  delete: deleteCall([hash], account, { required: true }),
  deleteAll: deleteAllCall('all', account),
  deleteBefore: deleteBeforeCall(0, nowMs, account),
  expire: expireCall([hash], nowMs, account),
  'expire, one for each': expireCall([hash], [nowMs], account, 'extend'),
  expireAll: expireAllCall('all', nowMs, account),
  getExpiries: getExpiriesCall([hash], account),
  revoke: revokeCall([], owner),
  revoked: revokedCall(owner),
  batch: batchCall([store, retrieve]),
  ifElse: ifElseCall({ heightAtLeast: 1 }, store, retrieve),
}

/** Names and values that mean something somewhere, in places where they do not. */
const name = fc.constantFrom(
  ...[
    'swarm',
    'results',
    'result',
    'code',
    'body',
    'condition',
    'hf',
    'v',
    'height',
    'messages',
    'hash',
    'data',
    'more',
  ],
  ...[
    'expiration',
    'expiry',
    'timestamp',
    'updated',
    'unchanged',
    'deleted',
    'expiries',
    'signature',
    'failed',
    'count',
  ],
  ...[
    'timeout',
    'revoked_subaccounts',
    'version',
    'service_node_states',
    '0',
    member.key,
    hash,
    '__proto__',
    'constructor',
  ],
  ...['public_ip', 'storage_port', 'pubkey_ed25519', 'pubkey_x25519', 'toString', 'then', 'length'],
)
const leaf = fc.oneof(
  fc.constantFrom<JsonValue>(null, true, false, 0, -1, 1.5, 200, 404, 1e300, -1e300, 5e-324, 2 ** 53, nowMs),
  fc.constantFrom<JsonValue>('', hash, member.key, 'AA==', '127.0.1.1', 'A'.repeat(86), `${'A'.repeat(86)}==`),
)
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.array(fc.tuple(name, tie('tree')), { maxLength: 6 }).map(written),
  ),
}))

/** As it would come over the wire: the text's own keys, `__proto__` too. */
function written(entries: readonly (readonly [string, JsonValue])[]): JsonValue {
  const text = entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')
  try {
    return parseJsonText(`{${text}}`)
  } catch {
    return {}
  }
}

function refusedOrRead(read: () => unknown): void {
  let value: unknown
  try {
    value = read()
  } catch (error) {
    expect(error).toBeInstanceOf(ClientError)
  }
  expect(numbersIn(value).filter((number) => !Number.isSafeInteger(number))).toEqual([])
}

function numbersIn(value: unknown): readonly number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

test.each(Object.entries(calls))('%s reads any answer, or refuses it', (_, call) => {
  const source = { member, swarm: [member], distrust() {} }
  fc.assert(
    fc.property(
      fc.oneof(tree, fc.array(fc.tuple(name, tree)).map(written)),
      fc.constantFrom(200, 404),
      (body, status) => {
        const prepared = call.prepare({ nowMs, member: member.key })
        refusedOrRead(() => prepared.read({ status, body }, source))
        refusedOrRead(() => prepared.read({ status, body: { swarm: { [member.key]: body } } }, source))
      },
    ),
    { numRuns: 400 },
  )
  expect(Object.getPrototypeOf({})).toBe(Object.prototype)
})

const genuine: readonly [string, (body: JsonValue) => unknown, JsonValue][] = [
  ['getExpiries', reader('getExpiries'), { expiries: { [hash]: nowMs } }],
  [
    'retrieve',
    reader('retrieve'),
    { messages: [{ hash, data: 'AAAAAAAAAAA=', timestamp: nowMs, expiration: nowMs }], more: false },
  ],
  [
    'ifElse',
    reader('ifElse'),
    { condition: false, hf: [19, 4], v: [0, 1, 0], height: 7, result: { code: 404, body: 'no' } },
  ],
  ['info', readInfo, { version: [0, 1, 0], timestamp: nowMs }],
]

function reader(name: string): (body: JsonValue) => unknown {
  const read = calls[name]?.prepare({ nowMs, member: member.key }).read
  return (body) => read?.({ status: 200, body }, { member, swarm: [member], distrust() {} })
}

test.each(genuine)('an answer to %s with one value replaced has no number that is none', (_, read, answer) => {
  const text = JSON.stringify(answer)
  const leaves = [...text.matchAll(/(?<=[:[,])(\d+|"[^"]*"|true|false)(?=[,}\]])/g)]
  for (const { 0: value, index } of leaves) {
    for (const other of ['1.5', '1e300', '-1', 'null', '"1"', '9007199254740993', '{}']) {
      refusedOrRead(() => read(parseJsonText(text.slice(0, index) + other + text.slice(index + value.length))))
    }
  }
})

test('what nodes say of themselves and of others is read or refused', () => {
  fc.assert(
    fc.property(tree, (body) => {
      refusedOrRead(() => readInfo(body))
      refusedOrRead(() => readActiveNodes(body))
      refusedOrRead(() => readServiceNodes({ result: { service_node_states: [body] } }))
    }),
    { numRuns: 1000 },
  )
})
