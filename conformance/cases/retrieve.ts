import { toBase64 } from '../../src/base/bytes.ts'
import { MINUTE, SECOND } from '../../src/base/clock.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { type ConformanceCase, casesOf } from '../case.ts'
import { at, type CaseContext } from '../context.ts'
import { expectEqual, expectKeys, expectList, expectObject, expectOk } from '../expectations.ts'
import { messageHashOf } from '../message-hash.ts'
import { ACCOUNT_REFUSAL, type MethodForm, NO_HASH, SIGNED_FIELDS, windowOf } from '../method-form.ts'
import { retrieveParams, revocationParams, someData, storeParams } from '../requests.ts'
import { expectStamp } from '../swarm-results.ts'
import { READ, type Signer, type TestAccount } from '../test-account.ts'
import { formCases } from './form.ts'

const form: MethodForm = {
  method: 'retrieve',
  fields: {
    ...SIGNED_FIELDS,
    last_hash: 'string',
    max_count: 'integer',
    max_size: 'integer',
    namespace: '16-bit integer',
    reverse_direction: 'boolean',
    timestamp: 'timestamp',
  },
  required: ['pubkey', 'signature', 'timestamp'],
  inSwarm: true,
  accountRefusal: ACCOUNT_REFUSAL,
  params: retrieveParams,
  authentication: {
    refusal: 'retrieve signature verification failed',
    access: READ,
    alterations: (nowMs) => ({ namespace: { namespace: 1 }, time: { timestamp: nowMs - 1 } }),
  },
  clock: windowOf(406, 'retrieve timestamp too far from current time'),
}

const write = casesOf('retrieve')

/** What a retrieve gives: hashes in their order, and whether there are more. */
async function page(context: CaseContext, signer: Signer, limits: JsonObject & { namespace?: number } = {}) {
  const body = expectOk(await context.ask('retrieve', retrieveParams(signer, context.nowMs(), limits)))
  const messages = expectList('messages', body['messages'])
  return { hashes: messages.map((message) => at(message, 'hash')), more: body['more'] }
}

/** An account with so many messages, and their hashes in the order in which the node got them. */
async function mailbox(context: CaseContext, count: number): Promise<{ account: TestAccount; hashes: string[] }> {
  const account = context.account()
  return { account, hashes: await context.storeSome(count, account) }
}

export const retrieveCases: readonly ConformanceCase[] = [
  ...formCases(form),

  write.success('gives hash, timestamp, expiration and data of each message, and nothing else', async (context) => {
    const [account, data, nowMs] = [context.account(), someData(), context.nowMs()]
    expectOk(await context.ask('store', storeParams(account, nowMs, { data, ttl: MINUTE })))
    const body = expectOk(await context.ask('retrieve', retrieveParams(account, context.nowMs())))
    expectStamp(context, body)
    expectKeys('body', body, ['messages', 'more', 't', 'hf'])
    expectEqual('more', body['more'], false)
    const message = expectObject('message', at(body, 'messages', 0))
    expectKeys('message', message, ['hash', 'timestamp', 'expiration', 'data'], ['expiry'])
    expectEqual(
      'message',
      [message['hash'], message['timestamp'], message['expiration'], message['data']],
      [messageHashOf(account.account, 0, data), nowMs, nowMs + MINUTE, toBase64(data)],
    )
  }),
  write.success(
    'gives the expiry under its newer name too',
    async (context) => {
      const { account } = await mailbox(context, 1)
      const { body } = await context.ask('retrieve', retrieveParams(account, context.nowMs()))
      expectEqual('expiry', at(body, 'messages', 0, 'expiry'), at(body, 'messages', 0, 'expiration'))
    },
    { basis: 'ours' },
  ),
  write.success('is answered alike by every member', async (context) => {
    const { account, hashes } = await mailbox(context, 2)
    for (const member of context.members) {
      const { body } = await context.ask('retrieve', retrieveParams(account, context.nowMs()), member)
      expectEqual(
        'hashes',
        expectList('messages', at(body, 'messages')).map((message) => at(message, 'hash')),
        hashes,
      )
    }
  }),
  write.success('gives messages in the order in which the node got them, not by timestamp', async (context) => {
    const [account, nowMs] = [context.account(), context.nowMs()]
    const hashes = []
    for (const ago of [0, 3, 1]) hashes.push(await context.store(account, { timestamp: nowMs - ago * SECOND }))
    expectEqual('hashes', (await page(context, account)).hashes, hashes)
  }),
  write.success('keeps namespaces and accounts apart', async (context) => {
    const { account, hashes } = await mailbox(context, 1)
    const elsewhere = await context.store(account, { namespace: 5 })
    expectEqual('namespace 0', (await page(context, account)).hashes, hashes)
    expectEqual('namespace 5', (await page(context, account, { namespace: 5 })).hashes, [elsewhere])
    expectEqual('namespace 6', (await page(context, account, { namespace: 6 })).hashes, [])
    expectEqual('another account', (await page(context, context.account())).hashes, [])
  }),
  write.success('takes the account as `pubKey` too', async (context) => {
    const { pubkey, ...params } = retrieveParams(context.account(), context.nowMs())
    expectOk(await context.ask('retrieve', { ...params, pubKey: pubkey }))
  }),

  write.success('pages on from `last_hash`, also called `lastHash`', async (context) => {
    const { account, hashes } = await mailbox(context, 4)
    const [first, second, third, fourth] = hashes
    for (const name of ['last_hash', 'lastHash']) {
      expectEqual('after the second', await page(context, account, { [name]: second ?? '' }), {
        hashes: [third, fourth],
        more: false,
      })
      expectEqual('one after the first', await page(context, account, { [name]: first ?? '', max_count: 1 }), {
        hashes: [second],
        more: true,
      })
      expectEqual('after the last', await page(context, account, { [name]: fourth ?? '' }), { hashes: [], more: false })
    }
  }),
  write.boundary(
    'starts from the beginning for a `last_hash` that is empty, null, unknown or of another namespace',
    async (context) => {
      const { account, hashes } = await mailbox(context, 2)
      const elsewhere = await context.store(account, { namespace: 5 })
      for (const last_hash of ['', null, NO_HASH, elsewhere]) {
        expectEqual(`from ${last_hash}`, (await page(context, account, { last_hash })).hashes, hashes)
      }
    },
  ),
  write.malformed('refuses a `last_hash` that is no base64', 'Invalid last_hash: not base64', (context) =>
    retrieveParams(context.account(), context.nowMs(), { last_hash: '?'.repeat(43) }),
  ),
  ...[40, 44].map((size) =>
    write.malformed(
      `refuses a \`last_hash\` of ${size} digits`,
      'Invalid last_hash: expected base64 (43 chars)',
      (context) => retrieveParams(context.account(), context.nowMs(), { last_hash: 'A'.repeat(size) }),
    ),
  ),

  write.success('goes from the newest to older ones with `reverse_direction`, which is not signed', async (context) => {
    const { account, hashes } = await mailbox(context, 4)
    const [first, second, third, fourth] = hashes
    const reverse_direction = true
    expectEqual('all', await page(context, account, { reverse_direction }), {
      hashes: [fourth, third, second, first],
      more: false,
    })
    expectEqual('two', await page(context, account, { reverse_direction, max_count: 2 }), {
      hashes: [fourth, third],
      more: true,
    })
    expectEqual('older', await page(context, account, { reverse_direction, last_hash: third ?? '' }), {
      hashes: [second, first],
      more: false,
    })
    expectEqual('unknown', (await page(context, account, { reverse_direction, last_hash: NO_HASH })).hashes[0], fourth)
    expectEqual('false', (await page(context, account, { reverse_direction: false })).hashes, hashes)
  }),

  write.boundary('gives up to `max_count` messages, and says `more` only if there are', async (context) => {
    const { account, hashes } = await mailbox(context, 3)
    for (const [max_count, count] of [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 3],
      [0, 3],
      [-1, 1],
    ] as const) {
      const expected = { hashes: hashes.slice(0, count), more: count < 3 }
      expectEqual(`max_count ${max_count}`, await page(context, account, { max_count }), expected)
    }
  }),
  write.boundary('gives up to `max_size` bytes, of which -k is a share, but one message at least', async (context) => {
    const account = context.account()
    for (let count = 0; count < 17; count++) await context.store(account, { data: someData(70_000) })
    for (const [limits, count] of [
      [{}, 16],
      [{ max_size: -5 }, 16],
      [{ max_size: 0 }, 16],
      [{ max_size: 500_000 }, 5],
      [{ max_size: 600_000 }, 6],
      [{ max_size: 700_000 }, 7],
      [{ max_size: 1 }, 1],
      [{ max_size: -100_000 }, 1],
      [{ max_size: 700_000, max_count: 2 }, 2],
      [{ max_size: -1 }, 17],
    ] as const) {
      const { hashes, more } = await page(context, account, limits)
      expectEqual(`messages for ${JSON.stringify(limits)}`, [hashes.length, more], [count, count < 17])
    }
  }),

  write.refusal('needs a signature', 401, 'retrieve: request signature required', (context) => ({
    pubkey: context.account().account,
  })),
  ...[0, 1, 10, -11, -20].map((namespace) =>
    write.malformed(
      `needs a signature for namespace ${namespace}`,
      "Required field 'signature' missing",
      (context) => ({
        pubkey: context.account().account,
        namespace,
      }),
    ),
  ),
  ...(['timestamp', 'pubkey_ed25519'] as const).map((field) =>
    write.malformed(
      `needs a signature as soon as \`${field}\` is given`,
      "Required field 'signature' missing",
      (context) => {
        const account = context.account()
        const given = { timestamp: context.nowMs(), pubkey_ed25519: account.key.publicHex }
        return { pubkey: account.account, [field]: given[field] }
      },
    ),
  ),
  ...[-10, -1, -21, -41].map((namespace) =>
    write.success(`reads namespace ${namespace} to anybody`, async (context) => {
      const account = context.account()
      const hash = await context.store(account, { namespace })
      const { body } = await context.ask('retrieve', { pubkey: account.account, namespace })
      expectEqual('hash', at(body, 'messages', 0, 'hash'), hash)
    }),
  ),
  write.success('gives nothing of namespace -3741, to anybody', async (context) => {
    const body = expectOk(await context.ask('retrieve', { pubkey: context.account().account, namespace: -3741 }))
    expectEqual('answer', [body['messages'], body['more']], [[], false])
  }),
  write.error('sends even who asks for namespace -3741 to the right swarm', async (context) => {
    const { status } = await context.ask('retrieve', { pubkey: context.foreignAccount().account, namespace: -3741 })
    expectEqual('status', status, 421)
  }),
  ...[-11, -111].map((namespace) =>
    write.signature(`still reads namespace ${namespace} to a revoked subaccount`, async (context) => {
      const owner = context.account('group')
      const subaccount = owner.subaccount(READ)
      const hash = await context.store(owner, { namespace })
      expectOk(
        await context.ask(
          'revoke_subaccount',
          revocationParams('revoke_subaccount', owner, context.nowMs(), [subaccount.token]),
        ),
      )
      expectEqual('hashes', (await page(context, subaccount, { namespace })).hashes, [hash])
    }),
  ),
]
