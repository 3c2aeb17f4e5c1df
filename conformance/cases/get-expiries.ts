import { MINUTE } from '../../src/base/clock.ts'
import { type ConformanceCase, casesOf } from '../case.ts'
import { at } from '../context.ts'
import { expectEqual, expectOk } from '../expectations.ts'
import { ACCOUNT_REFUSAL, type MethodForm, NO_HASH, NO_HASH_EITHER, SIGNED_FIELDS, windowOf } from '../method-form.ts'
import { getExpiriesParams } from '../requests.ts'
import { READ } from '../test-account.ts'
import { formCases } from './form.ts'

const form: MethodForm = {
  method: 'get_expiries',
  fields: { ...SIGNED_FIELDS, messages: 'string array', timestamp: 'timestamp' },
  required: ['pubkey', 'signature', 'messages', 'timestamp'],
  inSwarm: true,
  accountRefusal: ACCOUNT_REFUSAL,
  params: (signer, nowMs) => getExpiriesParams(signer, nowMs, [NO_HASH]),
  authentication: {
    refusal: 'get_expiries signature verification failed',
    access: READ,
    alterations: (nowMs) => ({ time: { timestamp: nowMs - 1 }, hash: { messages: [NO_HASH_EITHER] } }),
  },
  clock: windowOf(406, 'get_expiries timestamp too far from current time'),
}

const write = casesOf('get_expiries')

export const getExpiriesCases: readonly ConformanceCase[] = [
  ...formCases(form),
  write.success('gives the expiries of the messages it has, of any namespace, and nothing else', async (context) => {
    const [account, nowMs] = [context.account(), context.nowMs()]
    const first = await context.store(account, { timestamp: nowMs, ttl: MINUTE })
    const second = await context.store(account, { timestamp: nowMs, ttl: 2 * MINUTE, namespace: 7 })
    for (const member of context.members) {
      const params = getExpiriesParams(account, context.nowMs(), [second, NO_HASH, first])
      const body = expectOk(await context.ask('get_expiries', params, member))
      expectEqual('body', body, { expiries: { [first]: nowMs + MINUTE, [second]: nowMs + 2 * MINUTE } })
    }
  }),
  write.success('tells nothing of other accounts’ messages', async (context) => {
    const hash = await context.store(context.account())
    const body = expectOk(
      await context.ask('get_expiries', getExpiriesParams(context.account(), context.nowMs(), [hash])),
    )
    expectEqual('body', body, { expiries: {} })
  }),
  write.success('takes one bare hash for a list', async (context) => {
    const account = context.account()
    const hash = await context.store(account)
    const params = { ...getExpiriesParams(account, context.nowMs(), [hash]), messages: hash }
    const { body } = await context.ask('get_expiries', params)
    expectEqual('hashes', Object.keys(at(body, 'expiries') ?? {}), [hash])
  }),
  write.boundary('does not mind a text that is no hash', async (context) => {
    const body = expectOk(
      await context.ask('get_expiries', getExpiriesParams(context.account(), context.nowMs(), ['x', ''])),
    )
    expectEqual('body', body, { expiries: {} })
  }),
  write.malformed('needs a hash', 'messages does not contain any message hashes', (context) =>
    getExpiriesParams(context.account(), context.nowMs(), []),
  ),
  write.malformed(
    'refuses 1001 hashes',
    'messages contains more than 1000 message hashes',
    (context) =>
      getExpiriesParams(
        context.account(),
        context.nowMs(),
        Array.from({ length: 1001 }, () => NO_HASH),
      ),
    { basis: 'ours' },
  ),
]
