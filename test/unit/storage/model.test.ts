// Random operations, some at the same moment, against a model in memory that is too simple to be wrong.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { HOUR, MINUTE } from '../../../src/base/clock.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import { compareHashes, type StoredMessage, type StoreOutcome } from '../../../src/protocol/message.ts'
import { isPublicOutbox } from '../../../src/protocol/namespace.ts'
import { DATA_KEPT_MS } from '../../../src/storage/circumstances.ts'
import type { MessageExpiry } from '../../../src/storage/expire-operation.ts'
import { EXPIRY_BUCKET_MS, expiryBucket } from '../../../src/storage/expiry-entry.ts'
import type { ExpireMode, NamespaceChoice } from '../../../src/storage/operation.ts'
import { retrievalCost } from '../../../src/storage/retrieval.ts'
import { ALICE, aMessage, BOB, openTestStore, START_MS, type TestStore } from './store-fixture.ts'

type Operation =
  | { kind: 'store'; message: StoredMessage }
  | { kind: 'delete'; account: AccountId; messages: readonly StoredMessage[] }
  | { kind: 'deleteAll'; account: AccountId; namespace: NamespaceChoice }
  | { kind: 'deleteBefore'; account: AccountId; namespace: NamespaceChoice; beforeMs: number }
  | { kind: 'expire'; account: AccountId; changes: readonly MessageExpiry[]; mode: ExpireMode }
  | { kind: 'expireAll'; account: AccountId; namespace: NamespaceChoice; expiryMs: number }
type Step =
  | { kind: 'together'; operations: readonly Operation[] }
  | {
      kind: 'retrieve'
      account: AccountId
      namespace: number
      after: StoredMessage | undefined
      countMax: number
      sizeMax: number
      reverse: boolean
    }
  | { kind: 'expiries'; account: AccountId; messages: readonly StoredMessage[] }
  | { kind: 'pass'; ms: number }
  | { kind: 'sweep' }
  | { kind: 'reopen' }

const MESSAGES_MAX = 8

/** What is held, expired or not, in the order of insertion. */
class Model {
  held: StoredMessage[] = []
  nowMs = START_MS

  apply(operation: Operation): unknown {
    switch (operation.kind) {
      case 'store':
        return this.store(operation.message)
      case 'delete': {
        const hashes = new Set(operation.messages.map(({ hash }) => hash))
        const found = this.held.filter(({ account, hash }) => account === operation.account && hashes.has(hash))
        this.remove(found)
        return found
          .filter((message) => this.isLive(message))
          .map(({ hash }) => hash)
          .sort(compareHashes)
      }
      case 'deleteAll':
        return this.remove(this.chosen(operation))
      case 'deleteBefore':
        return this.remove(this.chosen(operation).filter(({ timestampMs }) => timestampMs <= operation.beforeMs))
      case 'expire':
        return this.expire(operation.account, operation.changes, operation.mode)
      case 'expireAll': {
        const longer = this.chosen(operation).filter(({ expiryMs }) => expiryMs > operation.expiryMs)
        for (const message of longer) message.expiryMs = operation.expiryMs
        return places(longer)
      }
    }
  }

  store(message: StoredMessage): { outcome: StoreOutcome; expiryMs: number } {
    const same = this.held.find(({ account, hash }) => account === message.account && hash === message.hash)
    if (same !== undefined && this.isLive(same)) {
      const outcome = message.expiryMs > same.expiryMs ? 'extended' : 'exists'
      same.expiryMs = Math.max(same.expiryMs, message.expiryMs)
      return { outcome, expiryMs: same.expiryMs }
    }
    const { account, namespace, expiryMs, timestampMs } = message
    const outbox = this.held.filter((other) => isPublicOutbox(namespace) && inNamespace(other, account, namespace))
    const isOlder = (other: StoredMessage) =>
      timestampMs < other.timestampMs || (timestampMs === other.timestampMs && message.hash < other.hash)
    if (outbox.some((other) => this.isLive(other) && isOlder(other))) return { outcome: 'obsolete', expiryMs }
    const replaced = new Set([...outbox, ...(same ? [same] : [])])
    const held = this.held.filter((other) => other.account === account).length - replaced.size
    if (held >= MESSAGES_MAX) return { outcome: 'full', expiryMs }
    this.remove([...replaced])
    this.held.push({ ...message })
    return { outcome: 'new', expiryMs }
  }

  expire(account: AccountId, changes: readonly MessageExpiry[], mode: ExpireMode) {
    const lists = { updated: new Map<string, MessageExpiry>(), unchanged: new Map<string, MessageExpiry>() }
    for (const { hash, expiryMs } of changes) {
      const message = this.held.find((other) => other.account === account && other.hash === hash && this.isLive(other))
      if (message === undefined) continue
      const by = expiryMs - message.expiryMs
      const isWorthIt = by >= (message.expiryMs - message.timestampMs) / 100
      const applies = { set: true, shorten: by < 0, extend: by > 0 && isWorthIt, 'extend-any': by > 0 }[mode]
      if (applies) message.expiryMs = expiryMs
      lists[applies ? 'updated' : 'unchanged'].set(hash, { hash, expiryMs: message.expiryMs })
    }
    for (const hash of lists.updated.keys()) lists.unchanged.delete(hash)
    const sorted = (list: Map<string, MessageExpiry>) =>
      [...list.values()].sort((a, b) => compareHashes(a.hash, b.hash))
    return { updated: sorted(lists.updated), unchanged: sorted(lists.unchanged) }
  }

  retrieve({ account, namespace, after, countMax, sizeMax, reverse }: Extract<Step, { kind: 'retrieve' }>) {
    const all = this.held.filter((message) => inNamespace(message, account, namespace))
    const ordered = reverse ? all.toReversed() : all
    const from = ordered.findIndex(({ hash }) => hash === after?.hash) + 1
    const live = ordered.slice(from).filter((message) => this.isLive(message))
    const messages: StoredMessage[] = []
    let size = 0
    for (const message of live) {
      size += retrievalCost(message.data.length)
      if (messages.length > 0 && (messages.length === countMax || size > sizeMax)) break
      messages.push({ ...message })
    }
    return { messages, more: messages.length < live.length }
  }

  sweep(): number {
    return this.remove(
      this.held.filter(({ expiryMs }) => expiryBucket(expiryMs) < expiryBucket(this.nowMs - DATA_KEPT_MS)),
    ).length
  }

  isLive({ expiryMs }: StoredMessage): boolean {
    return expiryMs > this.nowMs
  }

  chosen({ account, namespace }: { account: AccountId; namespace: NamespaceChoice }): StoredMessage[] {
    const inPlace = (message: StoredMessage) => namespace === 'all' || message.namespace === namespace
    return this.held.filter((message) => message.account === account && inPlace(message) && this.isLive(message))
  }

  remove(messages: readonly StoredMessage[]) {
    this.held = this.held.filter((message) => !messages.includes(message))
    return places(messages)
  }
}

function inNamespace(message: StoredMessage, account: AccountId, namespace: number): boolean {
  return message.account === account && message.namespace === namespace
}

function places(messages: readonly StoredMessage[]) {
  return messages.map(({ namespace, hash }) => ({ namespace, hash })).sort((a, b) => compareHashes(a.hash, b.hash))
}

/** Few of each, so that operations meet. */
const accounts = fc.constantFrom(ALICE, BOB)
const namespaces = fc.constantFrom(0, 5, -21)
const choices = fc.constantFrom<NamespaceChoice>(0, 5, -21, 'all')
const moments = fc.integer({ min: 0, max: 40 }).map((tens) => START_MS + tens * 10 * MINUTE)
/** Some lie inside their rows, some apart, and none at the beginning of another with a namespace before it. */
const data = fc
  .integer({ min: 0, max: 9 })
  .map((n) => Buffer.alloc(n % 3 === 0 ? 5_000 : 20, String.fromCharCode(97 + n)))
const messages = fc
  .record({ account: accounts, namespace: namespaces, timestampMs: moments, expiryMs: moments, data })
  .map(aMessage)
const lists = fc.array(messages, { minLength: 1, maxLength: 4 })

const operations: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: messages.map((message) => ({ kind: 'store' as const, message })) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), account: accounts, messages: lists }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('deleteAll' as const), account: accounts, namespace: choices }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deleteBefore' as const),
      account: accounts,
      namespace: choices,
      beforeMs: moments,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('expire' as const),
      account: accounts,
      changes: fc.array(
        fc.tuple(messages, moments).map(([{ hash }, expiryMs]) => ({ hash, expiryMs })),
        { maxLength: 4 },
      ),
      mode: fc.constantFrom<ExpireMode>('set', 'shorten', 'extend', 'extend-any'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('expireAll' as const),
      account: accounts,
      namespace: choices,
      expiryMs: moments,
    }),
  },
)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(operations, { minLength: 1, maxLength: 12 })
      .map((list) => ({ kind: 'together' as const, operations: list })),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('retrieve' as const),
      account: accounts,
      namespace: namespaces,
      after: fc.option(messages, { nil: undefined }),
      countMax: fc.integer({ min: 1, max: 6 }),
      sizeMax: fc.constantFrom(1, 400, 7_000, 20_000),
      reverse: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expiries' as const), account: accounts, messages: lists }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: HOUR }).map((ms) => ({ kind: 'pass' as const, ms })) },
  { weight: 2, arbitrary: fc.constant({ kind: 'sweep' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
)

function run({ store }: TestStore, operation: Operation): Promise<unknown> {
  switch (operation.kind) {
    case 'store':
      return store.store(operation.message).then(({ outcome, expiryMs }) => ({ outcome, expiryMs }))
    case 'delete':
      return store.delete(
        operation.account,
        operation.messages.map(({ hash }) => hash),
      )
    case 'deleteAll':
      return store.deleteAll(operation.account, operation.namespace)
    case 'deleteBefore':
      return store.deleteBefore(operation.account, operation.namespace, operation.beforeMs)
    case 'expire':
      return store.expire(operation.account, operation.changes, operation.mode)
    case 'expireAll':
      return store.expireAll(operation.account, operation.namespace, operation.expiryMs)
  }
}

async function check(fixture: TestStore, model: Model, step: Step): Promise<void> {
  switch (step.kind) {
    case 'together': {
      const results = await Promise.all(step.operations.map((operation) => run(fixture, operation)))
      expect(results).toEqual(step.operations.map((operation) => model.apply(operation)))
      break
    }
    case 'retrieve': {
      const { after, account, namespace, countMax, sizeMax, reverse } = step
      const cursor = after === undefined ? {} : { afterHash: after.hash }
      const retrieved = await fixture.store.retrieve({ account, namespace, countMax, sizeMax, reverse, ...cursor })
      expect(retrieved).toEqual(model.retrieve(step))
      break
    }
    case 'expiries': {
      const hashes = [...new Set(step.messages.map(({ hash }) => hash))]
      const live = model.held.filter((message) => message.account === step.account && model.isLive(message))
      const expected = hashes.flatMap((hash) =>
        live.filter((message) => message.hash === hash).map(({ expiryMs }) => ({ hash, expiryMs })),
      )
      expect(await fixture.store.expiries(step.account, hashes)).toEqual(expected)
      break
    }
    case 'pass':
      fixture.clock.pass(step.ms)
      model.nowMs += step.ms
      break
    case 'sweep':
      // So long after the last operation that nothing has to be remembered for one that arrives late.
      fixture.clock.pass(DATA_KEPT_MS + EXPIRY_BUCKET_MS)
      model.nowMs += DATA_KEPT_MS + EXPIRY_BUCKET_MS
      expect(await fixture.store.sweepNow()).toBe(model.sweep())
      break
    case 'reopen':
      await fixture.reopen()
  }
  const dataBytes = model.held.reduce((sum, message) => sum + message.data.length, 0)
  expect(fixture.store.statistics()).toEqual({ messages: model.held.length, dataBytes })
}

test('the store does what a list in memory would do', async () => {
  const limits = { accountMessagesMax: MESSAGES_MAX, authenticatedReserve: 0, batchRecordsMax: 16 }
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40, size: 'max' }), async (list) => {
      await using fixture = await openTestStore(limits)
      const model = new Model()
      for (const step of list) await check(fixture, model, step)
    }),
    { numRuns: 150 },
  )
})
