import { type ConformanceCase, casesOf } from '../case.ts'
import { at, type CaseContext } from '../context.ts'
import { asciiSorted, expectEqual, expectKeys, expectOk } from '../expectations.ts'
import { ACCOUNT_REFUSAL, type MethodForm, NO_HASH, NO_HASH_EITHER, SIGNED_FIELDS } from '../method-form.ts'
import { deleteParams, getExpiriesParams } from '../requests.ts'
import { expectEach, expectSigned, expectSwarm } from '../swarm-results.ts'
import { DELETE, type TestAccount } from '../test-account.ts'
import { formCases } from './form.ts'

const form: MethodForm = {
  method: 'delete',
  fields: { ...SIGNED_FIELDS, messages: 'string array', required: 'boolean' },
  required: ['pubkey', 'messages', 'signature'],
  inSwarm: true,
  accountRefusal: ACCOUNT_REFUSAL,
  params: (signer) => deleteParams(signer, [NO_HASH]),
  authentication: {
    refusal: 'delete_msgs signature verification failed',
    access: DELETE,
    alterations: () => ({ hash: { messages: [NO_HASH_EITHER] }, 'list of hashes': { messages: [NO_HASH, NO_HASH] } }),
  },
}

const write = casesOf('delete')

/** How many of these hashes a member holds. */
export async function heldAt(
  context: CaseContext,
  account: TestAccount,
  hashes: readonly string[],
): Promise<readonly number[]> {
  const counts: number[] = []
  for (const member of context.members) {
    const { body } = await context.ask('get_expiries', getExpiriesParams(account, context.nowMs(), hashes), member)
    counts.push(Object.keys(at(body, 'expiries') ?? {}).length)
  }
  return counts
}

export const deleteCases: readonly ConformanceCase[] = [
  ...formCases(form),

  write.success(
    'deletes messages of any namespace from every member, each of which signs what it deleted',
    async (context) => {
      const account = context.account()
      const kept = await context.store(account)
      const doomed = [...(await context.storeSome(2, account)), await context.store(account, { namespace: 3 })]
      const requested = [...doomed.toReversed(), NO_HASH]
      const results = expectSwarm(context, await context.ask('delete', deleteParams(account, requested)))
      const deleted = asciiSorted(doomed)
      expectEach(results, 'deleted', deleted)
      for (const result of results.values()) expectKeys('result', result, ['deleted', 'signature'])
      expectSigned(results, () => `${account.account}${requested.join('')}${deleted.join('')}`)
      expectEqual(
        'messages left at each member',
        await heldAt(context, account, [kept, ...doomed]),
        context.members.map(() => 1),
      )
    },
  ),
  write.success('takes one bare hash for a list', async (context) => {
    const account = context.account()
    const hash = await context.store(account)
    const params = { ...deleteParams(account, [hash]), messages: hash }
    expectEach(expectSwarm(context, await context.ask('delete', params)), 'deleted', [hash])
  }),
  write.success('signs that it deleted nothing', async (context) => {
    const account = context.account('group')
    const results = expectSwarm(context, await context.ask('delete', deleteParams(account, [NO_HASH])))
    expectEach(results, 'deleted', [])
    expectSigned(results, () => `${account.account}${NO_HASH}`)
  }),
  write.success('leaves other accounts’ messages', async (context) => {
    const [owner, other] = [context.account(), context.account()]
    const hash = await context.store(owner)
    expectEach(expectSwarm(context, await context.ask('delete', deleteParams(other, [hash]))), 'deleted', [])
    expectEqual(
      'messages left',
      await heldAt(context, owner, [hash]),
      context.members.map(() => 1),
    )
  }),
  write.signature('signs over the hashes as they were requested, twice if they were', async (context) => {
    const account = context.account()
    const hash = await context.store(account)
    const results = expectSwarm(context, await context.ask('delete', deleteParams(account, [hash, hash])))
    expectEach(results, 'deleted', [hash])
    expectSigned(results, () => `${account.account}${hash}${hash}${hash}`)
  }),
  write.success('says 200 to `required` when something was deleted', async (context) => {
    const account = context.account()
    const hash = await context.store(account)
    expectOk(await context.ask('delete', deleteParams(account, [hash, NO_HASH], { required: true })))
  }),
  write.error(
    'says 404 to `required` when nothing was, with the same body',
    async (context) => {
      const params = deleteParams(context.account(), [NO_HASH], { required: true })
      const { status, body } = await context.ask('delete', params)
      expectEqual('status', status, 404)
      expectEach(expectSwarm(context, { status: 200, body }), 'deleted', [])
    },
    { refusals: ['404'] },
  ),
  write.malformed('needs a hash', 'messages does not contain any message hashes', (context) =>
    deleteParams(context.account(), []),
  ),
  ...['', 'A'.repeat(42), 'A'.repeat(44), '?'.repeat(43), `${'A'.repeat(42)}=`].map((hash) =>
    write.malformed(`refuses the hash ${JSON.stringify(hash)}`, `invalid message hash: ${hash}`, (context) =>
      deleteParams(context.account(), [NO_HASH, hash]),
    ),
  ),
  write.boundary('takes 1000 hashes', async (context) => {
    const params = deleteParams(
      context.account(),
      Array.from({ length: 1000 }, () => NO_HASH),
    )
    expectEach(expectSwarm(context, await context.ask('delete', params)), 'deleted', [])
  }),
  write.malformed(
    'refuses 1001 hashes',
    'messages contains more than 1000 message hashes',
    (context) =>
      deleteParams(
        context.account(),
        Array.from({ length: 1001 }, () => NO_HASH),
      ),
    { basis: 'ours' },
  ),
]
