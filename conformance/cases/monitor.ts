import { concat, fromBase64, fromHex, toBase64, utf8 } from '../../src/base/bytes.ts'
import { DAY, MINUTE } from '../../src/base/clock.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import { at, type CaseContext } from '../context.ts'
import {
  expectEqual,
  expectKeys,
  expectList,
  expectMatch,
  expectOk,
  expectRefusal,
  expectTrue,
} from '../expectations.ts'
import { messageHashOf } from '../message-hash.ts'
import type { MonitorSocket } from '../monitor-socket.ts'
import { monitorParams, revocationParams, someData, storeParams } from '../requests.ts'
import { expectStamp } from '../swarm-results.ts'
import { DELETE, READ, type Signer, type TestAccount, WRITE } from '../test-account.ts'

// Being told of new messages: by a method that waits, and over a WebSocket. Session's nodes do it over QUIC, with the same
// dictionary, so all of this is `ours` but for what is signed.

const write = casesOf('monitor')
const OURS = { basis: 'ours' } as const
const CLOCK_REFUSAL = 'monitor timestamp too far from current time'
const SIGNATURE_REFUSAL = 'monitor signature verification failed'

function malformed(name: string, text: string, change: JsonObject): ConformanceCase {
  return write.malformed(
    name,
    text,
    (context) => ({ ...monitorParams(context.account(), context.nowMs()), ...change }),
    OURS,
  )
}

/** Who may be told, of an account that has a message, so that nobody waits. */
function judged(
  name: string,
  isTaken: boolean,
  paramsOf: (owner: TestAccount, context: CaseContext) => JsonObject | Promise<JsonObject>,
  kind: 'session' | 'group' = 'group',
): ConformanceCase {
  const run = async (context: CaseContext) => {
    const owner = context.account(kind)
    await context.store(owner)
    const answer = await context.ask('monitor', await paramsOf(owner, context))
    if (isTaken) expectEqual('news', expectOk(answer)['news'], [0])
    else expectRefusal(answer, 401, SIGNATURE_REFUSAL)
  }
  return write.signature(name, run, isTaken ? OURS : { ...OURS, refusals: [refusalKey(401, SIGNATURE_REFUSAL)] })
}

function signedBy(signerOf: (owner: TestAccount) => Signer) {
  return (owner: TestAccount, context: CaseContext) => monitorParams(signerOf(owner), context.nowMs())
}

const methodCases: readonly ConformanceCase[] = [
  write.success(
    'tells which namespaces hold something newer than the client has',
    async (context) => {
      const account = context.account()
      const [first, second] = [await context.store(account), await context.store(account)]
      const inThird = await context.store(account, { namespace: 3 })
      const ask = async (last: JsonObject) =>
        expectOk(
          await context.ask('monitor', { ...monitorParams(account, context.nowMs(), { namespaces: [0, 3] }), last }),
        )
      const body = await ask({})
      expectStamp(context, body)
      expectKeys('body', body, ['news', 't', 'hf'])
      expectEqual('all', body['news'], [0, 3])
      expectEqual('after the first', (await ask({ '0': first, '3': inThird }))['news'], [0])
      expectEqual('after the last of one', (await ask({ '0': second, '3': '' }))['news'], [3])
    },
    OURS,
  ),
  write.success(
    'waits for a message, and answers when it comes, at every member',
    async (context) => {
      const account = context.account()
      const last = { '0': await context.store(account) }
      const params = { ...monitorParams(account, context.nowMs()), last }
      const waiting = context.members.slice(0, 3).map((member) => context.ask('monitor', params, member))
      await context.store(account)
      for (const answer of await Promise.all(waiting)) expectEqual('news', expectOk(answer)['news'], [0])
    },
    OURS,
  ),
  write.success(
    'sees messages of public outboxes',
    async (context) => {
      const account = context.account()
      await context.store(account, { namespace: -21 })
      const params = monitorParams(account, context.nowMs(), { namespaces: [-21, 0] })
      expectEqual('news', expectOk(await context.ask('monitor', params))['news'], [-21])
    },
    OURS,
  ),

  judged(
    'takes a Session id by the Ed25519 key of which it is the image',
    true,
    signedBy((owner) => owner),
    'session',
  ),
  judged(
    'takes a group’s account signed by its own key',
    true,
    signedBy((owner) => owner),
  ),
  judged(
    'takes a subaccount that may read',
    true,
    signedBy((owner) => owner.subaccount(READ)),
  ),
  judged(
    'refuses a subaccount that may not read',
    false,
    signedBy((owner) => owner.subaccount(WRITE | DELETE)),
  ),
  judged(
    'refuses a subaccount of another prefix',
    false,
    signedBy((owner) => owner.subaccount(READ, { prefix: 5 })),
  ),
  judged('refuses a subaccount that was revoked', false, async (owner, context) => {
    const subaccount = owner.subaccount(READ)
    const revocation = revocationParams('revoke_subaccount', owner, context.nowMs(), [subaccount.token])
    expectOk(await context.ask('revoke_subaccount', revocation))
    return monitorParams(subaccount, context.nowMs())
  }),
  judged('refuses the signature of somebody else', false, (owner, context) =>
    monitorParams({ ...context.account('group'), account: owner.account }, context.nowMs()),
  ),
  ...(
    [
      ['time', { t: 1_700_000_000 }],
      ['wish for data', { d: true }],
      ['list of namespaces', { n: [0, 1] }],
    ] as const
  ).map(([what, change]) =>
    judged(`refuses a request whose ${what} is not what was signed`, false, (owner, context) => {
      const params = monitorParams(owner, context.nowMs())
      return { ...params, ...change, ...('t' in change && { t: Number(params['t']) - 1 }) }
    }),
  ),
  judged('takes keys and signatures as hex or base64', true, (owner, context) => {
    const params = monitorParams(owner, context.nowMs())
    const hex = (field: string) => Buffer.from(fromBase64(String(params[field])) ?? []).toString('hex')
    return { ...params, p: toBase64(fromHex(owner.account) ?? new Uint8Array()), s: hex('s') }
  }),

  ...[13 * DAY, -DAY / 2].map((ageMs) =>
    write.boundary(
      `takes what was signed ${ageMs / DAY} days ago`,
      async (context) => {
        const account = context.account()
        await context.store(account)
        expectOk(await context.ask('monitor', monitorParams(account, context.nowMs() - ageMs)))
      },
      OURS,
    ),
  ),
  ...[14 * DAY + MINUTE, -DAY - MINUTE].map((ageMs) =>
    write.refusal(
      `refuses what was signed ${(ageMs / DAY).toFixed(3)} days ago`,
      406,
      CLOCK_REFUSAL,
      (context) => monitorParams(context.account(), context.nowMs() - ageMs),
      OURS,
    ),
  ),
  write.error(
    'sends an account of another swarm to its own',
    async (context) => {
      const answer = await context.ask('monitor', monitorParams(context.foreignAccount(), context.nowMs()))
      expectEqual('status', answer.status, 421)
      expectList('snodes', at(answer.body, 'snodes'))
    },
    { ...OURS, refusals: ['421'] },
  ),
  malformed('needs `s`', "Required field 's' missing", { s: null }),
  malformed('needs `t`', "Required field 't' missing", { t: null }),
  malformed('needs `n`', "Required field 'n' missing", { n: null }),
  malformed('needs an account', "Exactly one of 'P' and 'p' is required", { P: null, p: null }),
  malformed('refuses two accounts', "Exactly one of 'P' and 'p' is required", { p: `03${'ab'.repeat(32)}` }),
  malformed('refuses an account of another size', "Invalid value given for 'p'", { P: null, p: 'ab' }),
  malformed('refuses a key of another size', "Invalid value given for 'P'", { P: 'ab' }),
  malformed('refuses a signature of another size', "Invalid value given for 's'", { s: 'AAAA' }),
  malformed('refuses a moment that is no integer', "Invalid value given for 't'", { t: 'x' }),
  malformed('refuses a token without its signature', "'S' and 'T' are required together", { T: 'A'.repeat(48) }),
  malformed('needs one namespace', 'At least one namespace is required', { n: [] }),
  malformed('needs namespaces that ascend', 'Namespaces must be strictly ascending', { n: [0, 0] }),
  malformed('needs namespaces in range', 'A namespace is out of range', { n: [32_768] }),
  malformed('refuses namespaces that are no integers', "Invalid value given for 'n'", { n: ['x'] }),
  malformed('refuses `last` that is no object', "Invalid value given for 'last': expected object", { last: 5 }),
  malformed('refuses `last` of other than hashes', "Invalid value given for 'last': expected message hashes", {
    last: { '0': 'x' },
  }),
]

/** Over HTTPS: a connection through onion hops lasts for one request. */
const SOCKET = { basis: 'ours', over: 'https' } as const

/** A subscription's signed dictionary in bencode, whose keys ascend. */
function bencoded(account: TestAccount, params: JsonObject): Uint8Array {
  const signature = fromBase64(String(params['s'])) ?? new Uint8Array()
  const key = concat(utf8('1:p33:'), fromHex(account.account) ?? new Uint8Array())
  return concat(utf8('d1:nli0ee'), key, utf8('1:s64:'), signature, utf8(`1:ti${params['t']}ee`))
}

async function nextMessage(socket: MonitorSocket): Promise<JsonObject> {
  return JSON.parse(await socket.next()) as JsonObject
}

const socketCases: readonly ConformanceCase[] = [
  write.success(
    'tells of new messages over a WebSocket, with their data for those who want it',
    async (context) => {
      for (const wantsData of [false, true]) {
        using socket = await context.openMonitor()
        const [account, data, nowMs] = [context.account(), someData(), context.nowMs()]
        expectEqual('answer', await socket.ask(monitorParams(account, nowMs, { wantsData })), { success: 1 })
        expectOk(await context.ask('store', storeParams(account, nowMs, { data, ttl: MINUTE })))
        const hash = messageHashOf(account.account, 0, data)
        const expected = { '@': account.account, h: hash, n: 0, t: nowMs, z: nowMs + MINUTE }
        expectEqual(
          'notification',
          await nextMessage(socket),
          wantsData ? { ...expected, '~': toBase64(data) } : expected,
        )
      }
    },
    SOCKET,
  ),
  write.success(
    'tells of them whichever member took them in, and only of namespaces that were asked for',
    async (context) => {
      using socket = await context.openMonitor()
      const account = context.account()
      expectEqual('answer', await socket.ask(monitorParams(account, context.nowMs(), { namespaces: [3] })), {
        success: 1,
      })
      for (const member of context.members.slice(-2)) {
        expectOk(await context.ask('store', storeParams(account, context.nowMs()), member))
        const params = storeParams(account, context.nowMs(), { namespace: 3 })
        const { body } = await context.ask('store', params, member)
        const { h, n } = await nextMessage(socket)
        expectEqual('hash and namespace', [h, n], [at(body, 'hash'), 3])
      }
    },
    SOCKET,
  ),
  write.success(
    'takes and gives bencode in binary frames',
    async (context) => {
      using socket = await context.openMonitor()
      const account = context.account('group')
      socket.send(bencoded(account, monitorParams(account, context.nowMs())))
      expectEqual('answer', await socket.next(), 'd7:successi1ee')
      const hash = await context.store(account)
      const frame = await socket.next()
      expectMatch('notification', frame.slice(0, 7), /^d1:@33:$/)
      expectTrue('hash', frame.includes(`1:h43:${hash}1:ni0e1:ti`), frame)
    },
    SOCKET,
  ),
  write.success(
    'answers a list with a list, each for itself',
    async (context) => {
      using socket = await context.openMonitor()
      const good = monitorParams(context.account(), context.nowMs())
      const answer = (await socket.ask([good, { ...good, n: [] }])) as readonly JsonObject[]
      expectEqual(
        'answers',
        answer.map((one) => one['success'] ?? one['errcode']),
        [1, 3],
      )
    },
    SOCKET,
  ),
  ...(
    [
      ['1 to malformed arguments', 1, () => ({ s: null })],
      ['2 to a malformed account', 2, () => ({ P: 'ab' })],
      ['3 to namespaces that do not ascend', 3, () => ({ n: [1, 0] })],
      [
        '4 to a moment too far away',
        4,
        (context: CaseContext) => ({ t: Math.floor((context.nowMs() - 15 * DAY) / 1000) }),
      ],
      ['5 to a wrong signature', 5, () => ({ n: [1] })],
    ] as const
  ).map(([name, errcode, change]) =>
    write.error(
      `answers errcode ${name}`,
      async (context) => {
        using socket = await context.openMonitor()
        const params = { ...monitorParams(context.account(), context.nowMs()), ...change(context) }
        expectEqual('errcode', ((await socket.ask(params)) as JsonObject)['errcode'], errcode)
      },
      SOCKET,
    ),
  ),
  write.error(
    'answers errcode 6 and the right swarm to an account of another',
    async (context) => {
      using socket = await context.openMonitor()
      const answer = (await socket.ask(monitorParams(context.foreignAccount(), context.nowMs()))) as JsonObject
      expectEqual('errcode', answer['errcode'], 6)
      expectList('snodes', at(answer, 'swarm', 'snodes'))
    },
    SOCKET,
  ),
]

export const monitorCases: readonly ConformanceCase[] = [...methodCases, ...socketCases]
