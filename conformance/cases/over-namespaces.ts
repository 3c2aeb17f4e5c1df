import { SECOND } from '../../src/base/clock.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { type ConformanceCase, casesOf } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { asciiSorted, expectEqual, expectKeys, expectObject } from '../expectations.ts'
import { ACCOUNT_REFUSAL, type ClockRule, type MethodForm, SIGNED_FIELDS, windowOf } from '../method-form.ts'
import { deleteAllParams, deleteBeforeParams, expireAllParams } from '../requests.ts'
import { expectEach, expectSigned, expectSwarm, hashesOfAll, hashList } from '../swarm-results.ts'
import { DELETE, type Signer, type TestAccount } from '../test-account.ts'
import { heldAt } from './delete.ts'
import { formCases } from './form.ts'

// delete_all, delete_before and expire_all: one time, and one namespace or all of them.

interface Family {
  readonly method: 'delete_all' | 'delete_before' | 'expire_all'
  /** The field that names the time. */
  readonly timeField: string
  /** The list of hashes in a result. */
  readonly listField: 'deleted' | 'updated'
  /** A time that takes in every message that is stored before it, whose TTL is ten minutes. */
  timeMs(context: CaseContext): number
  params(signer: Signer, timeMs: number, namespace?: number | 'all'): JsonObject
  readonly clock: readonly ClockRule[]
}

function formOf({ method, timeField, params, clock }: Family): MethodForm {
  return {
    method,
    fields: { ...SIGNED_FIELDS, namespace: 'integer or "all"', [timeField]: 'timestamp' },
    required: ['pubkey', 'signature', timeField],
    inSwarm: true,
    accountRefusal: ACCOUNT_REFUSAL,
    params: (signer, nowMs) => params(signer, nowMs),
    authentication: {
      refusal: `${method} signature verification failed`,
      access: DELETE,
      alterations: (nowMs) => ({
        time: { [timeField]: nowMs + 1 },
        namespace: { namespace: 1 },
        'namespace, which is all,': { namespace: 'all' },
      }),
    },
    clock,
  }
}

/** Three messages in three namespaces, and one more in the first. */
async function spread(context: CaseContext, account: TestAccount) {
  const inDefault = await context.storeSome(2, account)
  const inThird = await context.store(account, { namespace: 3 })
  const inNegative = await context.store(account, { namespace: -5 })
  return {
    inDefault: asciiSorted(inDefault),
    inThird,
    inNegative,
    all: asciiSorted([...inDefault, inThird, inNegative]),
  }
}

/** The signature covers account, time, and the affected hashes, sorted over all namespaces. */
function signedText(account: TestAccount, timeMs: number, hashes: readonly string[]): string {
  return `${account.account}${timeMs}${hashes.join('')}`
}

function familyCases(family: Family): readonly ConformanceCase[] {
  const { method, listField, params, timeMs } = family
  const write = casesOf(method)
  const isDelete = listField === 'deleted'
  const expectLeft = async (context: CaseContext, account: TestAccount, hashes: readonly string[], left: number) => {
    if (isDelete)
      expectEqual(
        'messages left',
        await heldAt(context, account, hashes),
        context.members.map(() => left),
      )
  }
  return [
    ...formCases(formOf(family)),
    write.success(
      'acts on namespace 0 when none is named, on every member, each of which signs the sorted hashes',
      async (context) => {
        const account = context.account()
        const { inDefault, all } = await spread(context, account)
        const at = timeMs(context)
        const results = expectSwarm(context, await context.ask(method, params(account, at)))
        expectEach(results, listField, inDefault)
        for (const result of results.values()) expectKeys('result', result, [listField, 'signature'])
        expectSigned(results, (result) => signedText(account, at, hashList(result, listField)))
        await expectLeft(context, account, all, 2)
      },
    ),
    write.success('acts on the one namespace that is named', async (context) => {
      const account = context.account()
      const { inNegative, all } = await spread(context, account)
      const at = timeMs(context)
      const results = expectSwarm(context, await context.ask(method, params(account, at, -5)))
      expectEach(results, listField, [inNegative])
      expectSigned(results, () => signedText(account, at, [inNegative]))
      await expectLeft(context, account, all, 3)
    }),
    write.success(
      'acts on all namespaces, lists hashes by namespace, and signs them sorted over all',
      async (context) => {
        const account = context.account('group')
        const { inDefault, inThird, inNegative, all } = await spread(context, account)
        const at = timeMs(context)
        const results = expectSwarm(context, await context.ask(method, params(account, at, 'all')))
        const expected = { '-5': [inNegative], '0': inDefault, '3': [inThird] }
        for (const result of results.values())
          expectEqual(listField, { ...expectObject(listField, result[listField]) }, expected)
        expectSigned(results, (result) => signedText(account, at, hashesOfAll(result, listField)))
        expectSigned(results, () => signedText(account, at, all))
        await expectLeft(context, account, all, 0)
      },
    ),
    ...[undefined, 'all' as const].map((namespace) =>
      write.boundary(
        `signs an empty answer for an account without messages (namespace ${namespace ?? 0})`,
        async (context) => {
          const account = context.account()
          const at = timeMs(context)
          const results = expectSwarm(context, await context.ask(method, params(account, at, namespace)))
          expectEach(results, listField, namespace === undefined ? [] : {})
          expectSigned(results, () => signedText(account, at, []))
        },
      ),
    ),
    ...[32_767, -32_768].map((namespace) =>
      write.boundary(`takes namespace ${namespace}`, async (context) => {
        const results = expectSwarm(
          context,
          await context.ask(method, params(context.account(), timeMs(context), namespace)),
        )
        expectEach(results, listField, [])
      }),
    ),
  ]
}

export const deleteAllCases = familyCases({
  method: 'delete_all',
  timeField: 'timestamp',
  listField: 'deleted',
  timeMs: (context) => context.nowMs(),
  params: deleteAllParams,
  clock: windowOf(406, 'delete_all timestamp too far from current time'),
})

const writeDeleteBefore = casesOf('delete_before')

export const deleteBeforeCases: readonly ConformanceCase[] = [
  ...familyCases({
    method: 'delete_before',
    timeField: 'before',
    listField: 'deleted',
    timeMs: (context) => context.nowMs() + SECOND,
    params: deleteBeforeParams,
    clock: [
      { offsetMs: -1_000_000 * SECOND },
      { offsetMs: 50 * SECOND },
      { offsetMs: 75 * SECOND, refusal: [401, 'delete_before timestamp too far in the future'] },
    ],
  }),
  writeDeleteBefore.boundary('deletes what has this timestamp or an earlier one', async (context) => {
    const [account, nowMs] = [context.account(), context.nowMs()]
    const hashes: string[] = []
    for (const after of [-1, 0, 1]) hashes.push(await context.store(account, { timestamp: nowMs - 5 * SECOND + after }))
    const results = expectSwarm(
      context,
      await context.ask('delete_before', deleteBeforeParams(account, nowMs - 5 * SECOND)),
    )
    expectEach(results, 'deleted', asciiSorted(hashes.slice(0, 2)))
    expectEqual(
      'messages left',
      await heldAt(context, account, hashes),
      context.members.map(() => 1),
    )
  }),
]

const writeExpireAll = casesOf('expire_all')
const TTL_MS = 600 * SECOND

export const expireAllCases: readonly ConformanceCase[] = [
  ...familyCases({
    method: 'expire_all',
    timeField: 'expiry',
    listField: 'updated',
    timeMs: (context) => context.nowMs() + 60 * SECOND,
    params: expireAllParams,
    clock: [
      { offsetMs: -50 * SECOND },
      { offsetMs: 1_000_000 * SECOND },
      { offsetMs: -75 * SECOND, refusal: [406, 'expire_all timestamp should be >= current time'] },
    ],
  }),
  writeExpireAll.boundary('shortens what would live longer, and leaves what ends then or sooner', async (context) => {
    const [account, nowMs] = [context.account(), context.nowMs()]
    const hashes: string[] = []
    for (const after of [-1, 0, 1]) hashes.push(await context.store(account, { timestamp: nowMs, ttl: TTL_MS + after }))
    const results = expectSwarm(context, await context.ask('expire_all', expireAllParams(account, nowMs + TTL_MS)))
    expectEach(results, 'updated', [hashes[2]])
    expectSigned(results, () => signedText(account, nowMs + TTL_MS, [hashes[2] ?? '']))
  }),
  writeExpireAll.success('extends nothing', async (context) => {
    const [account, nowMs] = [context.account(), context.nowMs()]
    await context.store(account, { ttl: TTL_MS })
    const results = expectSwarm(context, await context.ask('expire_all', expireAllParams(account, nowMs + 2 * TTL_MS)))
    expectEach(results, 'updated', [])
  }),
]
