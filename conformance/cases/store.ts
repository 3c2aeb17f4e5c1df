import { toBase64, utf8 } from '../../src/base/bytes.ts'
import { DAY, MINUTE, SECOND } from '../../src/base/clock.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import knownHashes from '../../test/vectors/message-hash.json' with { type: 'json' }
import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import { at, type CaseContext } from '../context.ts'
import {
  expectEqual,
  expectInteger,
  expectKeys,
  expectList,
  expectObject,
  expectOk,
  expectRefusal,
  NotApplicable,
} from '../expectations.ts'
import { messageHashOf } from '../message-hash.ts'
import { ACCOUNT_REFUSAL, type MethodForm, SIGNED_FIELDS, windowOf } from '../method-form.ts'
import { retrieveParams, someData, storeParams } from '../requests.ts'
import { expectEach, expectSigned, expectSwarm } from '../swarm-results.ts'
import { DELETE, type Signer, type TestAccount, WRITE } from '../test-account.ts'
import { formCases } from './form.ts'

const REFUSAL = 'store signature verification failed'
const TTL_REFUSAL = 'Provided expiry/TTL is not valid.'
const CLOCK_REFUSAL = 'Timestamp error: check your clock'
const PRIVATE_NAMESPACE = 2
const DATA_MAX_BYTES = 76_800

const form: MethodForm = {
  method: 'store',
  fields: {
    ...SIGNED_FIELDS,
    data: 'string',
    expiry: 'timestamp',
    namespace: '16-bit integer',
    sig_timestamp: 'timestamp',
    timestamp: 'timestamp or text',
    ttl: 'positive integer',
  },
  required: ['pubkey', 'timestamp', 'data'],
  inSwarm: true,
  accountRefusal: ACCOUNT_REFUSAL,
  // Only private namespaces need a signature, and it is the signature's own time that is judged by it.
  params: (signer, nowMs) =>
    storeParams(signer, nowMs, {
      namespace: PRIVATE_NAMESPACE,
      timestamp: Math.min(Date.now(), nowMs),
      sigTimestamp: nowMs,
    }),
  authentication: {
    refusal: REFUSAL,
    access: WRITE,
    alterations: (nowMs) => ({ namespace: { namespace: 3 }, time: { sig_timestamp: nowMs - 1 } }),
  },
  clock: windowOf(406, 'store signature timestamp too far from current time'),
}

const write = casesOf('store')

/** A good store to an account's public inbox, but for the changes. */
function inbox(context: CaseContext, changes: JsonObject = {}, signer: Signer = context.account()): JsonObject {
  return { ...storeParams(signer, context.nowMs()), ...changes }
}

export const storeCases: readonly ConformanceCase[] = [
  ...formCases(form),

  write.success('keeps a message on every member, each of which signs its hash', async (context) => {
    const [account, data, nowMs] = [context.account(), someData(), context.nowMs()]
    const answer = await context.ask('store', storeParams(account, nowMs, { data, ttl: MINUTE }))
    const hash = messageHashOf(account.account, 0, data)
    const results = expectSwarm(context, answer)
    expectEach(results, 'hash', hash)
    expectEach(results, 'expiry', nowMs + MINUTE)
    expectSigned(results, () => hash)
    expectEqual('hash at the top', at(answer.body, 'hash'), hash)
    expectKeys('body', expectObject('body', answer.body), ['swarm', 't', 'hf', 'hash'])
    for (const result of results.values()) expectKeys('result', result, ['hash', 'expiry', 'signature'], ['t'])
    for (const member of context.members) {
      const { body } = await context.ask('retrieve', retrieveParams(account, context.nowMs()), member)
      expectEqual(`message at ${member.key}`, at(body, 'messages', 0, 'data'), toBase64(data))
    }
  }),
  write.success('tells the time in the asked node’s own result', async (context) => {
    const results = expectSwarm(context, await context.ask('store', inbox(context)))
    expectInteger('t', results.get(context.node.key)?.['t'])
  }),
  write.success('names messages by their known hashes, which neither timestamp nor expiry change', async (context) => {
    let tried = 0
    for (const { pubkey, namespace, data_b64, hash } of knownHashes.hashes) {
      if (namespace % 10 !== 0) continue
      const nowMs = context.nowMs()
      const params = {
        pubkey,
        namespace,
        data: data_b64,
        timestamp: nowMs - tried * SECOND,
        ttl: MINUTE + tried * SECOND,
      }
      const answer = await context.ask('store', params, context.memberFor(pubkey))
      expectEqual('hash', expectOk(answer)['hash'], hash)
      tried++
    }
    if (tried === 0) throw new NotApplicable('there are no known hashes')
  }),
  write.success('takes a private namespace from its owner, and names the message by it', async (context) => {
    const [account, data] = [context.account('group'), someData()]
    const params = storeParams(account, context.nowMs(), { namespace: 11, data })
    const results = expectSwarm(context, await context.ask('store', params))
    expectEach(results, 'hash', messageHashOf(account.account, 11, data))
  }),
  write.signature('signs over `timestamp` when there is no `sig_timestamp`', async (context) => {
    expectOk(
      await context.ask('store', storeParams(context.account(), context.nowMs(), { namespace: PRIVATE_NAMESPACE })),
    )
  }),
  write.success('takes `expiry` instead of `ttl`', async (context) => {
    const expiry = context.nowMs() + MINUTE
    const params = inbox(context, { ttl: undefined, expiry })
    expectEach(expectSwarm(context, await context.ask('store', params)), 'expiry', expiry)
  }),
  write.success('takes `timestamp` and `ttl` as strings too', async (context) => {
    const nowMs = context.nowMs()
    const params = inbox(context, { timestamp: String(nowMs), ttl: '60000' })
    expectEach(expectSwarm(context, await context.ask('store', params)), 'expiry', nowMs + MINUTE)
  }),
  write.success('takes the account as `pubKey` too', async (context) => {
    const { pubkey, ...params } = inbox(context)
    expectOk(await context.ask('store', { ...params, pubKey: pubkey }))
  }),
  write.malformed(
    'refuses an account that is given under both names',
    "Cannot specify both 'pubkey' and 'pubKey'",
    (context) => {
      const params = inbox(context)
      return { ...params, pubKey: params['pubkey'] }
    },
    { basis: 'ours' },
  ),
  write.malformed('needs `expiry` or `ttl`', "Required field 'expiry' or 'ttl' missing", (context) =>
    inbox(context, { ttl: undefined }),
  ),
  write.malformed('refuses `expiry` and `ttl` together', "Cannot specify both 'expiry' and 'ttl'", (context) =>
    inbox(context, { expiry: context.nowMs() + MINUTE }),
  ),
  write.malformed(
    'refuses a `timestamp` whose text is no integer',
    'Invalid value given for \'timestamp\': "12x"',
    (context) => inbox(context, { timestamp: '12x' }),
  ),
  write.malformed('refuses a `ttl` whose text is no integer', 'Invalid value given for \'ttl\': "1.5"', (context) =>
    inbox(context, { ttl: '1.5' }),
  ),

  ...['not base64!', 'AAA_', 'A', 'AAAA='].map((data) =>
    write.malformed(`refuses the data ${JSON.stringify(data)}`, "Invalid 'data' value: not base64 encoded", (context) =>
      inbox(context, { data }),
    ),
  ),
  write.success('takes data without padding, and with trailing bits', async (context) => {
    const account = context.account()
    for (const data of ['QQ', 'QR']) {
      const answer = await context.ask('store', inbox(context, { data }, account))
      expectEqual('hash', expectOk(answer)['hash'], messageHashOf(account.account, 0, utf8('A')))
    }
  }),
  write.boundary('takes 76,800 bytes', async (context) => {
    const data = someData(DATA_MAX_BYTES)
    const account = context.account()
    const results = expectSwarm(context, await context.ask('store', storeParams(account, context.nowMs(), { data })))
    expectEach(results, 'hash', messageHashOf(account.account, 0, data))
  }),
  ...[DATA_MAX_BYTES + 1, 2 * DATA_MAX_BYTES].map((size) =>
    write.malformed(
      `refuses ${size} bytes`,
      `Message body exceeds maximum allowed length of ${DATA_MAX_BYTES} bytes`,
      (context) => inbox(context, { data: toBase64(new Uint8Array(size)) }),
    ),
  ),

  ...ttlBoundaries(),
  write.boundary('takes a timestamp 5 s ahead', async (context) => {
    expectOk(await context.ask('store', inbox(context, { timestamp: context.nowMs() + 5 * SECOND })))
  }),
  write.refusal('refuses a timestamp 25 s ahead', 406, CLOCK_REFUSAL, (context) =>
    inbox(context, { timestamp: context.nowMs() + 25 * SECOND }),
  ),
  write.boundary('takes a message that expired 5 s ago', async (context) => {
    const params = inbox(context, { timestamp: context.nowMs() - 20 * SECOND, ttl: 15 * SECOND })
    expectOk(await context.ask('store', params))
  }),
  write.refusal('refuses a message that expired 25 s ago', 406, CLOCK_REFUSAL, (context) =>
    inbox(context, { timestamp: context.nowMs() - 40 * SECOND, ttl: 15 * SECOND }),
  ),
  write.refusal('looks at the TTL before it looks at the clock', 403, TTL_REFUSAL, (context) =>
    inbox(context, { timestamp: context.nowMs() + 25 * SECOND, ttl: 1 }),
  ),

  ...[1, -1, 5, -5, 11, -11, 15, -32_765, 32_767].map((namespace) =>
    write.refusal(
      `needs a signature for namespace ${namespace}`,
      401,
      `store: signature required to store to namespace ${namespace}`,
      (context) => inbox(context, { namespace }),
    ),
  ),
  ...[0, 10, -10, 32_760, -32_760].map((namespace) =>
    write.boundary(`takes anybody’s message for the public inbox ${namespace}`, async (context) => {
      expectOk(await context.ask('store', inbox(context, { namespace })))
    }),
  ),
  ...[32_767, -32_768].map((namespace) =>
    write.boundary(`takes the owner’s message for namespace ${namespace}`, async (context) => {
      expectOk(await context.ask('store', storeParams(context.account(), context.nowMs(), { namespace })))
    }),
  ),
  write.signature('does not verify signatures for public inboxes', async (context) => {
    const account = context.account()
    expectOk(await context.ask('store', { ...inbox(context, {}, account), ...account.authenticate('something else') }))
  }),
  write.malformed(
    'needs the form of a signature even for public inboxes',
    'invalid signature: expected base64 encoded Ed25519 signature',
    (context) => inbox(context, { signature: 'x' }),
  ),
  write.signature('ignores everything about authentication when there is no signature', async (context) => {
    const fields = { pubkey_ed25519: 'x', subaccount: 'x', subaccount_sig: 'x' }
    expectOk(await context.ask('store', inbox(context, fields)))
  }),
  write.refusal(
    'keeps namespace -3741 empty',
    400,
    'store: namespace -3741 is reserved for testing',
    (context) => storeParams(context.account(), context.nowMs(), { namespace: -3741 }),
    { basis: 'ours' },
  ),

  write.success('says `already` of a message it has, and moves its expiry later but never sooner', async (context) => {
    const [account, data, nowMs] = [context.account(), someData(), context.nowMs()]
    const store = async (ttl: number) =>
      expectSwarm(context, await context.ask('store', storeParams(account, nowMs + 1, { data, timestamp: nowMs, ttl })))
    for (const result of (await store(5 * MINUTE)).values()) expectEqual('already', result['already'], undefined)
    for (const [ttl, expiry] of [
      [5 * MINUTE, 5 * MINUTE],
      [9 * MINUTE, 9 * MINUTE],
      [MINUTE, 9 * MINUTE],
    ] as const) {
      const again = await store(ttl)
      expectEach(again, 'already', true)
      expectEach(again, 'expiry', nowMs + expiry)
      expectSigned(again, () => messageHashOf(account.account, 0, data))
    }
  }),
  write.success('keeps the timestamp of a message that is stored again', async (context) => {
    const [account, data, nowMs] = [context.account(), someData(), context.nowMs()]
    for (const timestamp of [nowMs - 3 * SECOND, nowMs]) {
      expectOk(await context.ask('store', storeParams(account, nowMs, { data, timestamp })))
    }
    const { body } = await context.ask('retrieve', retrieveParams(account, context.nowMs()))
    expectEqual('messages', expectList('messages', at(body, 'messages')).length, 1)
    expectEqual('timestamp', at(body, 'messages', 0, 'timestamp'), nowMs - 3 * SECOND)
  }),

  ...[-1, -21].map((namespace) =>
    write.success(`keeps one message in the public outbox ${namespace}, that with the newest timestamp`, (context) =>
      outboxKeepsNewest(context, namespace),
    ),
  ),
  write.signature(
    'lets subaccounts into a public outbox only if they may write and delete',
    async (context) => {
      const owner = context.account('group')
      const store = (flags: number) =>
        context.ask('store', storeParams(owner.subaccount(flags), context.nowMs(), { namespace: -1 }))
      expectRefusal(await store(WRITE), 401, REFUSAL)
      expectRefusal(await store(DELETE), 401, REFUSAL)
      expectOk(await store(WRITE | DELETE))
    },
    { refusals: [refusalKey(401, REFUSAL)] },
  ),
]

function ttlBoundaries(): readonly ConformanceCase[] {
  const limits: readonly (readonly [string, number, number])[] = [
    ['a public inbox', 0, 14 * DAY],
    ['another namespace', PRIVATE_NAMESPACE, 30 * DAY],
  ]
  return limits.flatMap(([place, namespace, max]) => [
    ...[10 * SECOND, max].map((ttl) =>
      write.boundary(`takes a TTL of ${ttl / SECOND} s in ${place}`, async (context) => {
        const params = storeParams(context.account(), context.nowMs(), { namespace, ttl })
        expectEach(
          expectSwarm(context, await context.ask('store', params)),
          'expiry',
          Number(params['timestamp']) + ttl,
        )
      }),
    ),
    ...[10 * SECOND - 1, max + 1].map((ttl) =>
      write.refusal(`refuses a TTL of ${ttl} ms in ${place}`, 403, TTL_REFUSAL, (context) =>
        storeParams(context.account(), context.nowMs(), { namespace, ttl }),
      ),
    ),
  ])
}

async function outboxKeepsNewest(context: CaseContext, namespace: number): Promise<void> {
  const [account, nowMs] = [context.account(), context.nowMs()]
  // The first message is the account's only one, so that nothing else of it is left when the outbox is replaced.
  await context.store(account, { namespace, timestamp: nowMs - 2 * SECOND })
  const newest = await context.store(account, { namespace, timestamp: nowMs })
  await storeOlder(context, account, namespace, nowMs - SECOND)
  for (const member of context.members) {
    const { body } = await context.ask('retrieve', { pubkey: account.account, namespace }, member)
    const messages = expectList('messages', at(body, 'messages'))
    expectEqual(
      'hashes',
      messages.map((message) => at(message, 'hash')),
      [newest],
    )
  }
}

/** Whatever the answer says of it, the older one must not take the newer one's place. */
async function storeOlder(
  context: CaseContext,
  account: TestAccount,
  namespace: number,
  timestamp: number,
): Promise<void> {
  expectOk(await context.ask('store', storeParams(account, context.nowMs(), { namespace, timestamp })))
}
