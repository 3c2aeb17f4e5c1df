// The list that nodes believe, the list that the logs alone give, and the contract's own are one list: through any history, before
// and after blocks that were final are replaced. STARLING_HISTORIES=<number> tries more of them.
import fc from 'fast-check'
import { test } from 'vitest'
import { DAY_S, HOUR_S } from '../../../contracts/test/staking-network.ts'
import { beginHistory, EPOCH_S, type History } from './membership-history.ts'

const HISTORIES = Number(process.env['STARLING_HISTORIES'] ?? 3)

type Action =
  | { readonly kind: 'register'; readonly keys: number; readonly pooled: boolean }
  | { readonly kind: 'request-exit' | 'exit-after-wait' | 'exit' | 'liquidate'; readonly pick: number }
  | { readonly kind: 'pass-time'; readonly seconds: number }
  | { readonly kind: 'look' | 'restart' | 'read-anew'; readonly node: number }
  | { readonly kind: 'reorganise'; readonly depth: number; readonly duringALook: boolean }

const pick = fc.nat(20)
const node = fc.nat(1)
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('register' as const), keys: pick, pooled: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('request-exit' as const, 'exit-after-wait' as const, 'exit' as const, 'liquidate' as const),
      pick,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass-time' as const),
      seconds: fc.constantFrom(EPOCH_S / 2, EPOCH_S, HOUR_S, 31 * DAY_S),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('look' as const, 'look' as const, 'restart' as const, 'read-anew' as const),
      node,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reorganise' as const),
      depth: fc.integer({ min: 1, max: 20 }),
      duringALook: fc.boolean(),
    }),
  },
)

test('nodes believe the contract’s list, and its logs give the same, before and after reorganisations', async () => {
  const histories = fc.record({
    seeded: fc.integer({ min: 4, max: 7 }),
    actions: fc.array(anyAction, { minLength: 12, maxLength: 20 }),
  })
  await fc.assert(
    fc.asyncProperty(histories, async ({ seeded, actions }) => {
      await using history = await beginHistory(seeded)
      for (const action of actions) {
        await act(history, action)
        await history.expectBelievedIsTrue()
      }
      await history.expectAgreement()
    }),
    { numRuns: HISTORIES, endOnFailure: true },
  )
}, 3_600_000)

async function act(history: History, action: Action): Promise<void> {
  switch (action.kind) {
    case 'register':
      return await history.register(action)
    case 'pass-time':
      return await history.passTime(action.seconds)
    case 'look':
      return await history.look(action.node)
    case 'restart':
      return await history.restart(action.node)
    case 'read-anew':
      return await history.readAnew(action.node)
    case 'reorganise':
      return await history.reorganise(action)
    default:
      return await history.leave(action.kind, action.pick)
  }
}
