// Histories that once ended differently, as short as they could be made. Each is delivered in every order.
import { expect, test } from 'vitest'
import { HOUR, MINUTE } from '../../../src/base/clock.ts'
import { type Delivered, deliver, expectReplayed, newAccount } from './replay-delivery.ts'
import type { Placed, Request } from './replay-model.ts'
import { openTestStore } from './store-fixture.ts'

/** A store, all times in milliseconds from the base. */
function store(atMs: number, [namespace, data]: readonly [number, string], timestamp: number, expiry: number): Placed {
  return placed(atMs, { kind: 'store', wish: { namespace, data }, timestamp, expiry })
}

function placed(atMs: number, request: Request): Placed {
  return { at: atMs * 1000, request }
}

// One hash in three namespaces.
const IN_INBOX = [0, '-141x'] as const
const IN_OUTBOX = [-1, '41x'] as const
const IN_OTHER_OUTBOX = [-141, 'x'] as const
const SECOND = [-1, 'y'] as const
const THIRD = [-1, 'z'.repeat(5_000)] as const

interface History {
  readonly name: string
  /** Delivered first, and settled long before the rest. */
  readonly earlier?: readonly Placed[]
  readonly operations: readonly Placed[]
}

const EARLIER: readonly Placed[] = []
const OLD = -10 * MINUTE

const histories: History[] = [
  {
    name: 'two stores of one moment, of which the later one ends and is settled first',
    earlier: [store(-2 * MINUTE, IN_INBOX, OLD, 19 * HOUR)],
    operations: [store(-3 * MINUTE, IN_OUTBOX, OLD, -3 * MINUTE + 1), store(-3 * MINUTE, SECOND, OLD + 2_000, -MINUTE)],
  },
  {
    name: 'a store of one moment with one that has ended already',
    operations: [
      store(-9 * MINUTE, THIRD, OLD + 1_000, -8 * MINUTE),
      store(0, SECOND, OLD + 2_000, -3 * MINUTE),
      store(0, IN_OUTBOX, OLD, 20 * MINUTE),
    ],
  },
  {
    name: 'a message that stays in the inbox, since its outbox turns out to have had a newer one',
    operations: [
      store(-4 * MINUTE, IN_INBOX, OLD, 7 * HOUR),
      store(-3 * MINUTE, IN_OUTBOX, OLD, 11 * HOUR),
      store(-2 * MINUTE, THIRD, OLD, 13 * HOUR),
      store(-6 * MINUTE, SECOND, OLD + 90_000, 8 * HOUR),
    ],
  },
  {
    name: 'a message whose first store turns out to have been deleted',
    operations: [
      store(-9 * MINUTE, IN_OUTBOX, OLD, 23 * MINUTE),
      store(-4 * MINUTE, IN_INBOX, OLD, 6 * HOUR),
      store(-2 * MINUTE, THIRD, OLD, MINUTE),
      placed(-7 * MINUTE, { kind: 'deleteAll', namespace: -1 }),
    ],
  },
  {
    name: 'a settled message that turns out to have been extended before an older one took its place',
    earlier: [store(0, SECOND, OLD, 30 * MINUTE)],
    operations: [
      store(-MINUTE, IN_OUTBOX, OLD - 40 * MINUTE, 3 * HOUR),
      placed(-4 * MINUTE, {
        kind: 'expire',
        mode: 'set',
        changes: [{ wish: { namespace: -1, data: 'y' }, expiry: 5 * HOUR }],
      }),
    ],
  },
  {
    name: 'a message that changes its outbox and takes the place of another',
    operations: [
      store(-9 * MINUTE, IN_OTHER_OUTBOX, OLD, 1),
      store(-8 * MINUTE, SECOND, OLD, HOUR),
      store(-MINUTE, IN_OUTBOX, OLD, 15 * HOUR),
      placed(-2 * MINUTE, { kind: 'delete', wishes: [{ namespace: -141, data: 'x' }] }),
    ],
  },
]

function* ordersOf(list: readonly Placed[]): Generator<readonly Placed[]> {
  if (list.length === 0) yield []
  for (const [at, each] of list.entries()) {
    for (const rest of ordersOf(list.toSpliced(at, 1))) yield [each, ...rest]
  }
}

test.each(histories)('$name comes to the same in any order', async ({ earlier = EARLIER, operations }) => {
  await using member = await openTestStore()
  const orders = [...ordersOf(operations)].map((order) => ({ order, account: newAccount(), all: [] as Delivered[] }))
  const deliverAll = async (list: readonly Placed[], to: (typeof orders)[number]) => {
    for (const each of list) {
      const delivered = { ...each, baseMs: member.clock.nowMs() }
      to.all.push(delivered)
      await deliver(member, to.account, delivered)
    }
  }
  for (const each of orders) await deliverAll(earlier, each)
  member.clock.pass(33 * MINUTE)
  for (const each of orders) await deliverAll(each.order, each)
  for (const passedMs of [0, 2 * MINUTE, 15 * MINUTE, 15 * MINUTE]) {
    member.clock.pass(passedMs)
    await member.store.sweepNow()
    for (const { account, all } of orders) await expectReplayed(member, account, all)
  }
  member.clock.pass(24 * HOUR)
  await member.store.sweepNow()
  expect(member.store.statistics()).toEqual({ messages: 0, dataBytes: 0 })
})
