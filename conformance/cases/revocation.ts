import { concat, toBase64, utf8 } from '../../src/base/bytes.ts'
import { type ConformanceCase, casesOf } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectEqual, expectKeys, expectOk, expectRefusal } from '../expectations.ts'
import { ACCOUNT_REFUSAL, type MethodForm, OWNER_FIELDS, windowOf } from '../method-form.ts'
import { retrieveParams, revocationParams, revokedSubaccountsParams } from '../requests.ts'
import { expectEach, expectSigned, expectStamp, expectSwarm, type SwarmResults } from '../swarm-results.ts'
import { READ, type TestAccount } from '../test-account.ts'
import { formCases } from './form.ts'

type Method = 'revoke_subaccount' | 'unrevoke_subaccount'

const TOKENS_MAX = 50
const NO_TOKEN = new Uint8Array(36).fill(3)
const OTHER_TOKEN = new Uint8Array(36).fill(5)

function formOf(method: Method): MethodForm {
  const field = fieldOf(method)
  return {
    method,
    fields: { ...OWNER_FIELDS, [field]: 'string array', timestamp: 'timestamp' },
    required: ['pubkey', 'signature', field, 'timestamp'],
    inSwarm: true,
    accountRefusal: ACCOUNT_REFUSAL,
    params: (signer, nowMs) => revocationParams(method, signer, nowMs, [NO_TOKEN]),
    authentication: {
      refusal: `${method} signature verification failed`,
      access: undefined,
      alterations: (nowMs) => ({ time: { timestamp: nowMs - 1 }, token: { [field]: [toBase64(OTHER_TOKEN)] } }),
    },
    clock: windowOf(406, `${method} timestamp too far from current time`),
  }
}

function fieldOf(method: Method): 'revoke' | 'unrevoke' {
  return method === 'revoke_subaccount' ? 'revoke' : 'unrevoke'
}

async function change(
  method: Method,
  context: CaseContext,
  owner: TestAccount,
  tokens: readonly Uint8Array[],
  form: 'base64' | 'hex' = 'base64',
): Promise<SwarmResults> {
  const nowMs = context.nowMs()
  const results = expectSwarm(context, await context.ask(method, revocationParams(method, owner, nowMs, tokens, form)))
  expectSigned(results, () => concat(utf8(`${owner.account}${nowMs}`), ...tokens))
  return results
}

async function revokedAt(context: CaseContext, owner: TestAccount, node = context.node): Promise<readonly unknown[]> {
  const params = revokedSubaccountsParams(owner, context.nowMs())
  const body = expectOk(await context.ask('revoked_subaccounts', params, node))
  expectStamp(context, body)
  expectKeys('body', body, ['revoked_subaccounts', 't', 'hf'])
  return body['revoked_subaccounts'] as readonly unknown[]
}

function tokensOf(owner: TestAccount, count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, () => owner.subaccount(READ).token)
}

/** What both methods have in common. */
function tokenCases(method: Method): readonly ConformanceCase[] {
  const write = casesOf(method)
  const field = fieldOf(method)
  return [
    ...formCases(formOf(method)),
    ...['AAAA', '?'.repeat(48), 'a'.repeat(70), ''].map((token) =>
      write.malformed(
        `refuses the token ${JSON.stringify(token)}`,
        `invalid ${field}: expected base64 or hex-encoded subaccount tokens`,
        (context) => ({
          ...revocationParams(method, context.account('group'), context.nowMs(), [NO_TOKEN]),
          [field]: [token],
        }),
        { basis: 'ours' },
      ),
    ),
    write.success('takes one bare token, and tokens in hex', async (context) => {
      const owner = context.account('group')
      await change(method, context, owner, tokensOf(owner, 2), 'hex')
      const params = revocationParams(method, owner, context.nowMs(), [NO_TOKEN])
      expectSwarm(context, await context.ask(method, { ...params, [field]: toBase64(NO_TOKEN) }))
    }),
    write.signature('signs over the tokens as they were given, twice if they were', async (context) => {
      const owner = context.account('group')
      const [token] = tokensOf(owner, 1)
      await change(method, context, owner, [token ?? NO_TOKEN, NO_TOKEN, token ?? NO_TOKEN])
    }),
  ]
}

const writeRevoke = casesOf('revoke_subaccount')

export const revokeSubaccountCases: readonly ConformanceCase[] = [
  ...tokenCases('revoke_subaccount'),
  writeRevoke.success('shuts a subaccount out on every member, each of which signs for it', async (context) => {
    const owner = context.account('group')
    const [revoked, other] = [owner.subaccount(READ), owner.subaccount(READ)]
    expectOk(await context.ask('retrieve', retrieveParams(revoked, context.nowMs())))
    const results = await change('revoke_subaccount', context, owner, [revoked.token])
    for (const result of results.values()) expectKeys('result', result, ['signature'])
    for (const member of context.members) {
      const refused = await context.ask('retrieve', retrieveParams(revoked, context.nowMs()), member)
      expectRefusal(refused, 401, 'retrieve signature verification failed')
      expectOk(await context.ask('retrieve', retrieveParams(other, context.nowMs()), member))
    }
  }),
  writeRevoke.success('shuts it out of this one account only', async (context) => {
    const [owner, another] = [context.account('group'), context.account('group')]
    const { token } = owner.subaccount(READ)
    await change('revoke_subaccount', context, another, [token])
    expectEqual('revoked of the owner', await revokedAt(context, owner), [])
  }),
  writeRevoke.success(
    'keeps revocations when the account’s last message is deleted, or when it never had one',
    async (context) => {
      const owner = context.account('group')
      const [token] = tokensOf(owner, 1)
      await change('revoke_subaccount', context, owner, [token ?? NO_TOKEN])
      expectEqual('revoked', await revokedAt(context, owner), [toBase64(token ?? NO_TOKEN)])
    },
    { basis: 'ours' },
  ),
  writeRevoke.boundary('takes 50 tokens at once, keeps the newest 50, and drops the oldest', async (context) => {
    const owner = context.account('group')
    const [first, ...rest] = tokensOf(owner, TOKENS_MAX + 1)
    await change('revoke_subaccount', context, owner, [first ?? NO_TOKEN])
    expectEqual('revoked', await revokedAt(context, owner), [toBase64(first ?? NO_TOKEN)])
    await change('revoke_subaccount', context, owner, rest)
    expectEqual('revoked', new Set(await revokedAt(context, owner)), new Set(rest.map(toBase64)))
  }),
  writeRevoke.success(
    'makes a token newest that is revoked again',
    async (context) => {
      const owner = context.account('group')
      const tokens = tokensOf(owner, TOKENS_MAX + 1)
      const [again, oldest] = tokens
      for (const some of [[again, oldest], tokens.slice(2, TOKENS_MAX), [again]]) {
        await change(
          'revoke_subaccount',
          context,
          owner,
          some.filter((token) => token !== undefined),
        )
      }
      await change('revoke_subaccount', context, owner, tokens.slice(TOKENS_MAX))
      const revoked = new Set(await revokedAt(context, owner))
      expectEqual('the token that was revoked again', revoked.has(toBase64(again ?? NO_TOKEN)), true)
      expectEqual('number of revoked', revoked.size, TOKENS_MAX)
    },
    { basis: 'ours' },
  ),
  writeRevoke.malformed(
    'refuses 51 tokens',
    'invalid revoke: cannot revoke more than 50 subaccounts at once',
    (context) => {
      const owner = context.account('group')
      return revocationParams('revoke_subaccount', owner, context.nowMs(), tokensOf(owner, TOKENS_MAX + 1))
    },
  ),
]

const writeUnrevoke = casesOf('unrevoke_subaccount')

export const unrevokeSubaccountCases: readonly ConformanceCase[] = [
  ...tokenCases('unrevoke_subaccount'),
  writeUnrevoke.success(
    'lets a subaccount in again on every member, and counts those that were revoked',
    async (context) => {
      const owner = context.account('group')
      const [first, second] = [owner.subaccount(READ), owner.subaccount(READ)]
      await change('revoke_subaccount', context, owner, [first.token, second.token])
      const results = await change('unrevoke_subaccount', context, owner, [first.token, NO_TOKEN])
      expectEach(results, 'count', 1)
      for (const result of results.values()) expectKeys('result', result, ['count', 'signature'])
      for (const member of context.members) {
        expectOk(await context.ask('retrieve', retrieveParams(first, context.nowMs()), member))
        expectEqual('revoked', await revokedAt(context, owner, member), [toBase64(second.token)])
      }
    },
  ),
  writeUnrevoke.boundary('takes more than 50 tokens', async (context) => {
    const owner = context.account('group')
    expectEach(await change('unrevoke_subaccount', context, owner, tokensOf(owner, TOKENS_MAX + 10)), 'count', 0)
  }),
]

const writeRevoked = casesOf('revoked_subaccounts')

export const revokedSubaccountsCases: readonly ConformanceCase[] = [
  ...formCases({
    method: 'revoked_subaccounts',
    fields: { ...OWNER_FIELDS, timestamp: 'timestamp' },
    required: ['pubkey', 'signature', 'timestamp'],
    inSwarm: true,
    accountRefusal: ACCOUNT_REFUSAL,
    params: revokedSubaccountsParams,
    authentication: {
      refusal: 'revoked_subaccounts signature verification failed',
      access: undefined,
      alterations: (nowMs) => ({ time: { timestamp: nowMs - 1 } }),
    },
    clock: windowOf(406, 'revoked_subaccounts timestamp too far from current time'),
  }),
  writeRevoked.success('lists revoked tokens as base64, at every member', async (context) => {
    const owner = context.account()
    const tokens = tokensOf(owner, 3)
    for (const token of tokens) await change('revoke_subaccount', context, owner, [token])
    for (const member of context.members) {
      expectEqual('revoked', new Set(await revokedAt(context, owner, member)), new Set(tokens.map(toBase64)))
    }
  }),
  writeRevoked.success(
    'lists those first that were revoked first',
    async (context) => {
      const owner = context.account('group')
      const tokens = tokensOf(owner, 3)
      for (const token of tokens) await change('revoke_subaccount', context, owner, [token])
      expectEqual('revoked', await revokedAt(context, owner), tokens.map(toBase64))
    },
    { basis: 'ours' },
  ),
  writeRevoked.boundary('lists nothing of an account that has revoked nothing', async (context) => {
    expectEqual('revoked', await revokedAt(context, context.account('group')), [])
  }),
]
