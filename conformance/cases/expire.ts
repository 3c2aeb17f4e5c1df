import { DAY, MINUTE, SECOND } from '../../src/base/clock.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import { at, type CaseContext } from '../context.ts'
import {
  asciiSorted,
  expectEqual,
  expectInteger,
  expectKeys,
  expectObject,
  expectRefusal,
  expectWithin,
} from '../expectations.ts'
import { ACCOUNT_REFUSAL, type MethodForm, NO_HASH, NO_HASH_EITHER, SIGNED_FIELDS } from '../method-form.ts'
import { expireParams, getExpiriesParams } from '../requests.ts'
import { expectEach, expectSigned, expectSomeOfSwarm, expectSwarm, hashList } from '../swarm-results.ts'
import { DELETE, type TestAccount, WRITE } from '../test-account.ts'
import { formCases } from './form.ts'

const TTL_MS = 1000 * SECOND
const CLOCK_REFUSAL = 'expire: timestamp should be >= current time'

const form: MethodForm = {
  method: 'expire',
  fields: {
    ...SIGNED_FIELDS,
    expiry: 'timestamp array',
    extend: 'boolean',
    messages: 'string array',
    shorten: 'boolean',
  },
  required: ['pubkey', 'signature', 'messages', 'expiry'],
  inSwarm: true,
  accountRefusal: ACCOUNT_REFUSAL,
  params: (signer, nowMs) => expireParams(signer, [NO_HASH], nowMs),
  authentication: {
    refusal: 'expire: signature verification failed',
    access: WRITE,
    alterations: (nowMs) => ({
      expiry: { expiry: nowMs + 1 },
      hash: { messages: [NO_HASH_EITHER] },
      'direction, which is to shorten,': { extend: true },
      'direction, which is to extend,': { shorten: true },
    }),
  },
  clock: [
    { offsetMs: -50 * SECOND },
    { offsetMs: 75 * SECOND },
    { offsetMs: -75 * SECOND, refusal: [401, CLOCK_REFUSAL] },
  ],
}

const write = casesOf('expire')

/** What each node signs. */
function signedText(
  account: TestAccount,
  expiries: readonly unknown[],
  requested: readonly string[],
  result: JsonObject,
): string {
  const unchanged = Object.entries(expectObject('unchanged', result['unchanged'] ?? {}))
  const kept = asciiSorted(unchanged.map(([hash, expiry]) => `${hash}${expiry}`))
  return `${account.account}${expiries.join('')}${requested.join('')}${hashList(result, 'updated').join('')}${kept.join('')}`
}

/** The expiries that every member has, which must be the same. */
async function expiriesEverywhere(
  context: CaseContext,
  account: TestAccount,
  hashes: readonly string[],
): Promise<JsonObject> {
  const all: JsonObject[] = []
  for (const member of context.members) {
    const { body } = await context.ask('get_expiries', getExpiriesParams(account, context.nowMs(), hashes), member)
    all.push(expectObject('expiries', at(body, 'expiries')))
  }
  for (const expiries of all) expectEqual('expiries at each member', expiries, all[0])
  return all[0] ?? {}
}

/** An account with one message that ends after TTL_MS. */
async function oneMessage(context: CaseContext, ttl = TTL_MS) {
  const [account, nowMs] = [context.account(), context.nowMs()]
  return { account, hash: await context.store(account, { timestamp: nowMs, ttl }), expiryMs: nowMs + ttl }
}

export const expireCases: readonly ConformanceCase[] = [
  ...formCases(form),

  ...[-MINUTE, MINUTE].map((byMs) =>
    write.success(
      `moves an expiry ${byMs < 0 ? 'sooner' : 'later'} on every member, each of which signs it`,
      async (context) => {
        const { account, hash, expiryMs } = await oneMessage(context)
        const expiry = expiryMs + byMs
        const requested = [hash, NO_HASH]
        const results = expectSwarm(context, await context.ask('expire', expireParams(account, requested, expiry)))
        expectEach(results, 'expiry', expiry)
        expectEach(results, 'updated', [hash])
        for (const result of results.values()) expectKeys('result', result, ['expiry', 'updated', 'signature'])
        expectSigned(results, (result) => signedText(account, [expiry], requested, result))
        expectEqual('expiries', await expiriesEverywhere(context, account, requested), { [hash]: expiry })
      },
    ),
  ),
  write.success('updates several messages, listed and signed in sorted order', async (context) => {
    const account = context.account('group')
    const hashes = await context.storeSome(3, account)
    const expiry = context.nowMs() + 2 * MINUTE
    const results = expectSwarm(context, await context.ask('expire', expireParams(account, hashes, expiry)))
    expectEach(results, 'updated', asciiSorted(hashes))
    expectSigned(results, (result) => signedText(account, [expiry], hashes, result))
  }),
  write.success('takes one expiry for each message, and answers with those that it applied', async (context) => {
    const account = context.account()
    const hashes = await context.storeSome(3, account)
    const nowMs = context.nowMs()
    const requested = [...hashes, NO_HASH]
    const expiries = requested.map((_, index) => nowMs + (index + 1) * MINUTE)
    const results = expectSwarm(context, await context.ask('expire', expireParams(account, requested, expiries)))
    const updated = asciiSorted(hashes)
    const applied = updated.map((hash) => expiries[requested.indexOf(hash)])
    expectEach(results, 'updated', updated)
    expectEach(results, 'expiry', applied)
    expectSigned(results, (result) => signedText(account, applied, requested, result))
    const expected = Object.fromEntries(updated.map((hash, index) => [hash, applied[index]]))
    expectEqual('expiries', { ...(await expiriesEverywhere(context, account, hashes)) }, expected)
  }),
  write.success('takes one bare hash and one expiry in a list', async (context) => {
    const { account, hash, expiryMs } = await oneMessage(context)
    const params = { ...expireParams(account, [hash], [expiryMs + MINUTE]), messages: hash }
    expectEach(expectSwarm(context, await context.ask('expire', params)), 'updated', [hash])
  }),
  write.boundary('takes an equal expiry when no direction is named, and signs what it says of it', async (context) => {
    const { account, hash, expiryMs } = await oneMessage(context)
    const results = expectSomeOfSwarm(context, await context.ask('expire', expireParams(account, [hash], expiryMs)))
    expectEach(results, 'expiry', expiryMs)
    for (const result of results.values()) {
      // Session's servers tell it as updated; a node that spares itself the write, as unchanged.
      const unchanged = { ...expectObject('unchanged', result['unchanged'] ?? {}) }
      expectEqual('updated', hashList(result, 'updated'), hash in unchanged ? [] : [hash])
      expectEqual('unchanged', unchanged, hash in unchanged ? { [hash]: expiryMs } : {})
    }
    expectSigned(results, (result) => signedText(account, [expiryMs], [hash], result))
  }),
  ...sparedWrites(),
  write.boundary('signs an answer about messages that nobody has', async (context) => {
    const [account, expiry] = [context.account(), context.nowMs() + MINUTE]
    const results = expectSomeOfSwarm(context, await context.ask('expire', expireParams(account, [NO_HASH], expiry)))
    expectEach(results, 'updated', [])
    expectEach(results, 'expiry', expiry)
    expectSigned(results, (result) => signedText(account, [expiry], [NO_HASH], result))
  }),
  write.boundary('sets nothing later than 30 days from now, and says what it tried', async (context) => {
    const { account, hash } = await oneMessage(context)
    const nowMs = context.nowMs()
    const results = expectSwarm(context, await context.ask('expire', expireParams(account, [hash], nowMs + 31 * DAY)))
    const tried = results.get(context.node.key)?.['expiry']
    expectWithin('expiry', tried, nowMs + 30 * DAY - MINUTE, nowMs + 30 * DAY + MINUTE)
    for (const result of results.values())
      expectWithin('expiry', result['expiry'], nowMs + 30 * DAY - MINUTE, nowMs + 30 * DAY + MINUTE)
    expectSigned(results, (result) => signedText(account, [result['expiry']], [hash], result))
  }),

  ...(['shorten', 'extend'] as const).flatMap((mode) => [
    write.success(`moves an expiry with \`${mode}\` that way, and says that nothing stayed`, async (context) => {
      const { account, hash, expiryMs } = await oneMessage(context)
      const expiry = expiryMs + (mode === 'extend' ? MINUTE : -MINUTE)
      const results = expectSwarm(context, await context.ask('expire', expireParams(account, [hash], expiry, mode)))
      expectEach(results, 'updated', [hash])
      for (const result of results.values())
        expectEqual('unchanged', { ...expectObject('unchanged', result['unchanged']) }, {})
      expectSigned(results, (result) => signedText(account, [expiry], [hash], result))
    }),
    ...[0, MINUTE].map((byMs) =>
      write.boundary(
        `leaves an expiry with \`${mode}\` that ${byMs === 0 ? 'is the same' : 'would move the other way'}, and tells and signs it as unchanged`,
        async (context) => {
          const { account, hash, expiryMs } = await oneMessage(context)
          const expiry = expiryMs + (mode === 'extend' ? -byMs : byMs)
          const requested = [hash, NO_HASH]
          const results = expectSomeOfSwarm(
            context,
            await context.ask('expire', expireParams(account, requested, expiry, mode)),
          )
          expectEach(results, 'updated', [])
          expectEach(results, 'expiry', expiry)
          for (const result of results.values())
            expectEqual('unchanged', { ...expectObject('unchanged', result['unchanged']) }, { [hash]: expiryMs })
          expectSigned(results, (result) => signedText(account, [expiry], requested, result))
          expectEqual('expiries', await expiriesEverywhere(context, account, [hash]), { [hash]: expiryMs })
        },
      ),
    ),
  ]),
  write.success('tells what moved and what stayed in one answer', async (context) => {
    const [account, nowMs] = [context.account(), context.nowMs()]
    const short = await context.storeSome(2, account, { timestamp: nowMs, ttl: 5 * MINUTE })
    const long = await context.storeSome(2, account, { timestamp: nowMs, ttl: 9 * MINUTE })
    const [requested, expiry] = [[...long, ...short], nowMs + 7 * MINUTE]
    const results = expectSwarm(
      context,
      await context.ask('expire', expireParams(account, requested, expiry, 'extend')),
    )
    expectEach(results, 'updated', asciiSorted(short))
    const unchanged = Object.fromEntries(long.map((hash) => [hash, nowMs + 9 * MINUTE]))
    for (const result of results.values())
      expectEqual('unchanged', { ...expectObject('unchanged', result['unchanged']) }, unchanged)
    expectSigned(results, (result) => signedText(account, [expiry], requested, result))
  }),
  ...onePercent(),

  write.success('lets a subaccount that may not delete only extend, without telling what stayed', async (context) => {
    const { account, hash, expiryMs } = await oneMessage(context)
    const subaccount = account.subaccount(WRITE)
    const sooner = expectSomeOfSwarm(
      context,
      await context.ask('expire', expireParams(subaccount, [hash], expiryMs - MINUTE)),
    )
    expectEach(sooner, 'updated', [])
    expectEach(sooner, 'unchanged', undefined)
    expectSigned(sooner, (result) => signedText(account, [expiryMs - MINUTE], [hash], result))
    const later = expectSwarm(context, await context.ask('expire', expireParams(subaccount, [hash], expiryMs + MINUTE)))
    expectEach(later, 'updated', [hash])
  }),
  write.signature('lets a subaccount that may write and delete shorten', async (context) => {
    const { account, hash, expiryMs } = await oneMessage(context)
    const params = expireParams(account.subaccount(WRITE | DELETE), [hash], expiryMs - MINUTE, 'shorten')
    expectEach(expectSwarm(context, await context.ask('expire', params)), 'updated', [hash])
  }),
  write.refusal(
    'refuses `shorten` by a subaccount that may not delete',
    400,
    'expire: shorten parameter cannot be used with this subaccount token (missing delete access)',
    (context) => expireParams(context.account().subaccount(WRITE), [NO_HASH], context.nowMs() + MINUTE, 'shorten'),
  ),

  write.malformed('needs an expiry', "'expiry' does not contain any expiration timestamps", (context) =>
    expireParams(context.account(), [NO_HASH], []),
  ),
  write.malformed(
    'refuses `shorten` and `extend` together',
    "cannot specify both 'shorten' and 'extend'",
    (context) => ({
      ...expireParams(context.account(), [NO_HASH], context.nowMs() + MINUTE, 'shorten'),
      extend: true,
    }),
  ),
  ...[1, 3].map((count) =>
    write.malformed(
      `refuses two expiries for ${count} messages`,
      "'expiry' must be a single expiry, or the same length as 'messages'",
      (context) => {
        const expiry = context.nowMs() + MINUTE
        return expireParams(
          context.account(),
          Array.from({ length: count }, () => NO_HASH),
          [expiry, expiry],
        )
      },
    ),
  ),
  write.malformed(
    'takes a bare expiry below 10^9 for seconds',
    "Invalid timestamp for 'expiry': timestamp must be in milliseconds",
    (context) => expireParams(context.account(), [NO_HASH], 999_999_999),
  ),
  write.malformed('needs a hash', 'messages does not contain any message hashes', (context) =>
    expireParams(context.account(), [], context.nowMs()),
  ),
  write.malformed('refuses a hash of 42 digits', `invalid message hash: ${'A'.repeat(42)}`, (context) =>
    expireParams(context.account(), ['A'.repeat(42)], context.nowMs()),
  ),
  write.malformed(
    'refuses 1001 hashes',
    'messages contains more than 1000 message hashes',
    (context) =>
      expireParams(
        context.account(),
        Array.from({ length: 1001 }, () => NO_HASH),
        context.nowMs(),
      ),
    { basis: 'ours' },
  ),
  write.error(
    'refuses a list in which one expiry is past',
    async (context) => {
      const nowMs = context.nowMs()
      const params = expireParams(context.account(), [NO_HASH, NO_HASH_EITHER], [nowMs + MINUTE, nowMs - 75 * SECOND])
      expectRefusal(await context.ask('expire', params), 401, CLOCK_REFUSAL)
    },
    { refusals: [refusalKey(401, CLOCK_REFUSAL)] },
  ),
]

/** An extension below 1 % of what is left is not worth a write, unless the client did not name the direction. */
function onePercent(): readonly ConformanceCase[] {
  const below = 5 * SECOND
  const above = 20 * SECOND
  const extended = async (context: CaseContext, byMs: number, mode: 'extend' | 'set', bySubaccount = false) => {
    const { account, hash, expiryMs } = await oneMessage(context)
    const signer = bySubaccount ? account.subaccount(WRITE) : account
    const results = expectSomeOfSwarm(
      context,
      await context.ask('expire', expireParams(signer, [hash], expiryMs + byMs, mode)),
    )
    const own = results.get(context.node.key) ?? {}
    expectSigned(results, (result) => signedText(account, [expiryMs + byMs], [hash], result))
    expectInteger('expiry', own['expiry'])
    return { moved: hashList(own, 'updated').length === 1, unchanged: own['unchanged'], kept: { [hash]: expiryMs } }
  }
  return [
    write.boundary('does not `extend` by less than 1 %, and tells that as unchanged', async (context) => {
      const { moved, unchanged, kept } = await extended(context, below, 'extend')
      expectEqual('moved', moved, false)
      expectEqual('unchanged', unchanged, kept)
    }),
    write.boundary('does `extend` by 2 %', async (context) => {
      expectEqual('moved', (await extended(context, above, 'extend')).moved, true)
    }),
    write.boundary('moves an expiry by less than 1 % when no direction is named', async (context) => {
      expectEqual('moved', (await extended(context, below, 'set')).moved, true)
    }),
    write.boundary('moves it by less than 1 % for a subaccount that may only extend', async (context) => {
      expectEqual('moved', (await extended(context, below, 'set', true)).moved, true)
    }),
  ]
}

/** What changes nothing worth a write, the asked node answers alone: clients send such a request with every poll. */
function sparedWrites(): readonly ConformanceCase[] {
  const moves: readonly (readonly [what: string, byMs: number, mode: 'set' | 'shorten' | 'extend'])[] = [
    ['sets the expiry that is there', 0, 'set'],
    ['puts the end of days off by less than 1 %', MINUTE, 'set'],
    ['shortens to a later end', MINUTE, 'shorten'],
    ['extends to a sooner end', -MINUTE, 'extend'],
  ]
  return moves.map(([what, byMs, mode]) =>
    write.success(
      `answers a request alone that ${what}`,
      async (context) => {
        const { account, hash, expiryMs } = await oneMessage(context, 5 * DAY)
        const expiry = expiryMs + byMs
        const answer = await context.ask('expire', expireParams(account, [hash], expiry, mode))
        const results = expectSomeOfSwarm(context, answer)
        expectEqual('members', [...results.keys()], [context.node.key])
        expectEach(results, 'updated', [])
        for (const result of results.values()) {
          expectEqual('unchanged', { ...expectObject('unchanged', result['unchanged']) }, { [hash]: expiryMs })
        }
        expectSigned(results, (result) => signedText(account, [expiry], [hash], result))
      },
      { basis: 'ours' },
    ),
  )
}
