// Members that were away for hours and days get what they missed in any order, and sweep in between. Where the data of a message is
// gone by then, they get it from the others.
import * as fc from 'fast-check'
import { test } from 'vitest'
import { expectLateMembersToAgree, latePhases } from './late-delivery.ts'
import { newAccount } from './replay-delivery.ts'
import { lateMessageRequests } from './replay-model.ts'
import { openTestStore } from './store-fixture.ts'

test('who hears of everything hours and days late ends with the same, once members have given one another what they hold', async () => {
  await using punctual = await openTestStore()
  await using second = await openTestStore()
  await using third = await openTestStore()
  await fc.assert(
    fc.asyncProperty(latePhases(lateMessageRequests, 2), (phases) =>
      expectLateMembersToAgree([punctual, second, third], newAccount(), phases),
    ),
    { numRuns: Number(process.env['RUNS'] ?? 60) },
  )
}, 1e9)
