// What members have to agree on: all operations, sorted by their stamps and carried out one after the other on a list in memory.
// Written without the store's own code, and too simple to be wrong.
import * as fc from 'fast-check'
import { MINUTE, SECOND } from '../../../src/base/clock.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import { hashMessage, type MessageHash, type StoredMessage } from '../../../src/protocol/message.ts'

export type Mode = 'set' | 'shorten' | 'extend' | 'extend-any'
export type Choice = number | 'all'

/** A message as requests name it; its hash follows from the account. */
export interface Wish {
  readonly namespace: number
  readonly data: string
}

/** One request. Moments are milliseconds from the time that the history is about. */
export type Request =
  | { kind: 'store'; wish: Wish; timestamp: number; expiry: number }
  | { kind: 'delete'; wishes: readonly Wish[] }
  | { kind: 'expire'; changes: readonly { wish: Wish; expiry: number }[]; mode: Mode }
  | { kind: 'deleteAll'; namespace: Choice }
  | { kind: 'deleteBefore'; namespace: Choice; before: number }
  | { kind: 'expireAll'; namespace: Choice; expiry: number }
  | { kind: 'revoke' | 'unrevoke'; tokens: readonly number[] }

export interface Placed {
  /** Microseconds from the same time. */
  readonly at: number
  readonly request: Request
}

// Few of each, so that operations meet; -1 and -141 are public outboxes. Some messages of several namespaces have one hash, such as
// '5x' in 0 and 'x' in 5.
export const NAMESPACES = [0, 5, -1, -141]
const DATA = ['x', '5x', '-1x', '-141x', 'y', 'z'.repeat(5_000)]
const LATENESS = 9 * MINUTE

const wishes = fc.record({ namespace: fc.constantFrom(...NAMESPACES), data: fc.constantFrom(...DATA) })
const choices = fc.constantFrom<Choice>(...NAMESPACES, 'all')
/** Around the moments of the operations: some end in between. */
const expiries = fc.oneof(
  fc.integer({ min: -9, max: 1 }).map((minutes) => minutes * MINUTE),
  fc.integer({ min: 1, max: 20 }).map((hours) => hours * 60 * MINUTE),
)
const timestamps = fc.integer({ min: -600, max: -595 }).map((seconds) => seconds * SECOND)
const modes = fc.constantFrom<Mode>('set', 'shorten', 'extend', 'extend-any')

export const messageRequests: fc.Arbitrary<Request> = requestsWith(wishes, timestamps, expiries)

/** Lives of minutes to a month. */
const longExpiries = fc.oneof(
  expiries,
  fc.integer({ min: 1, max: 29 }).map((days) => days * 24 * 60 * MINUTE),
)
/** Without what has the hash of an inbox's message in another of the owner's namespaces: when that has ended, nobody knows of it any more. */
const lateWishes = wishes.map((wish) => (wish.data === '5x' ? { ...wish, data: 'y' } : wish))
/** With lives of minutes to a month. Of one message, all stores say the same moment: it tells those apart that count as the first. */
export const lateMessageRequests: fc.Arbitrary<Request> = requestsWith(lateWishes, timestamps, longExpiries).map(
  (request) => (request.kind === 'store' ? { ...request, timestamp: timestampOf(request.wish) } : request),
)

function timestampOf({ namespace, data }: Wish): number {
  return (-600 + ((data.length + (data.codePointAt(0) ?? 0) - namespace) % 6)) * SECOND
}

function requestsWith(
  wishes: fc.Arbitrary<Wish>,
  timestamps: fc.Arbitrary<number>,
  expiries: fc.Arbitrary<number>,
): fc.Arbitrary<Request> {
  const stores = fc.record({
    kind: fc.constant('store' as const),
    wish: wishes,
    timestamp: timestamps,
    expiry: expiries,
  })
  return fc.oneof(
    { weight: 9, arbitrary: stores },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('delete' as const),
        wishes: fc.array(wishes, { minLength: 1, maxLength: 3 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('expire' as const),
        changes: fc.array(fc.record({ wish: wishes, expiry: expiries }), { minLength: 1, maxLength: 3 }),
        mode: modes,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteAll' as const), namespace: choices }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('deleteBefore' as const), namespace: choices, before: timestamps }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('expireAll' as const), namespace: choices, expiry: expiries }),
    },
  )
}
export const revocationRequests: fc.Arbitrary<Request> = fc.record({
  kind: fc.constantFrom('revoke' as const, 'unrevoke' as const),
  // Up to sixty different ones, so that the newest fifty are not all.
  tokens: fc.oneof(
    fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3 }),
    fc.integer({ min: 0, max: 20 }).map((from) => Array.from({ length: 40 }, (_, at) => from + at)),
  ),
})

/** Some of the same microsecond: two entry nodes may choose the same. */
const moments = fc.oneof(
  fc.integer({ min: -LATENESS * 1000, max: 0 }),
  fc.integer({ min: -9, max: 0 }).map((minutes) => minutes * MINUTE * 1000),
)

export function histories(requests: fc.Arbitrary<Request>, maxLength: number): fc.Arbitrary<Placed[]> {
  return fc.array(fc.record({ at: moments, request: requests }), { minLength: 2, maxLength, size: 'max' })
}

/** What one member gets: everything in an order of its own, some of it twice. */
export function deliveries(placed: readonly Placed[]): fc.Arbitrary<Placed[]> {
  return fc
    .array(fc.constantFrom(...placed), { maxLength: 4 })
    .chain((again) => fc.shuffledSubarray([...placed, ...again], { minLength: placed.length + again.length }))
}

export function hashOf(account: AccountId, { namespace, data }: Wish): MessageHash {
  return hashMessage(account, namespace, Buffer.from(data))
}

interface Held {
  hash: MessageHash
  namespace: number
  data: string
  timestampMs: number
  expiryMs: number
}

interface Step {
  readonly order: readonly (number | string)[]
  run(held: Map<string, Held>, atMs: number): void
}

const KINDS = { set: 2, extend: 3, 'extend-any': 4, shorten: 5 }

/** What is held when everything is done, as long as it lives. */
export function replayed(
  account: AccountId,
  placed: readonly (Placed & { baseMs: number })[],
  nowMs: number,
): StoredMessage[] {
  const steps = placed.flatMap(({ at, baseMs, request }) =>
    stepsOf(account, request, baseMs).map((step) => ({ ...step, order: [baseMs * 1000 + at, ...step.order] })),
  )
  const held = new Map<string, Held>()
  for (const { order, run } of steps.sort((a, b) => compare(a.order, b.order)))
    run(held, Math.floor(Number(order[0]) / 1000))
  return [...held.values()]
    .filter(({ expiryMs }) => expiryMs > nowMs)
    .map(({ data, ...rest }) => ({ account, ...rest, data: Buffer.from(data) }))
}

function stepsOf(account: AccountId, request: Request, baseMs: number): Step[] {
  switch (request.kind) {
    case 'store':
      return [storeStep(account, request, baseMs)]
    case 'delete':
      return request.wishes.map((wish) => {
        const hash = hashOf(account, wish)
        return { order: [7, hash], run: (held) => held.delete(hash) }
      })
    case 'expire':
      return request.changes.map(({ wish, expiry }, at) => {
        const hash = hashOf(account, wish)
        const before = request.changes.slice(0, at).filter((each) => hashOf(account, each.wish) === hash).length
        const expiryMs = baseMs + expiry
        return {
          order: [KINDS[request.mode], before, expiryMs, hash],
          run(held, atMs) {
            const message = held.get(hash)
            if (message !== undefined && message.expiryMs > atMs && mayMove(request.mode, message, expiryMs)) {
              message.expiryMs = expiryMs
            }
          },
        }
      })
    case 'deleteAll':
      return [onRange(8, request.namespace, Number.MAX_SAFE_INTEGER, (held, { hash }) => held.delete(hash))]
    case 'deleteBefore': {
      const beforeMs = baseMs + request.before
      return [
        onRange(8, request.namespace, beforeMs, (held, { hash, timestampMs }) => {
          if (timestampMs <= beforeMs) held.delete(hash)
        }),
      ]
    }
    case 'expireAll': {
      const expiryMs = baseMs + request.expiry
      return [
        onRange(6, request.namespace, expiryMs, (_, message) => {
          message.expiryMs = Math.min(message.expiryMs, expiryMs)
        }),
      ]
    }
    case 'revoke':
    case 'unrevoke':
      return []
  }
}

function storeStep(account: AccountId, { wish, timestamp, expiry }: Request & { kind: 'store' }, baseMs: number): Step {
  const hash = hashOf(account, wish)
  const [timestampMs, expiryMs] = [baseMs + timestamp, baseMs + expiry]
  return {
    // Of two that are alike in all else, the one whose hash has the smaller bytes comes first.
    order: [1, wish.namespace, timestampMs, expiryMs, Buffer.from(hash, 'base64').toString('latin1')],
    run(held, atMs) {
      const same = held.get(hash)
      const isOwners = (namespace: number) => namespace % 10 !== 0
      const gives = same !== undefined && !isOwners(same.namespace) && isOwners(wish.namespace)
      if (same !== undefined && same.expiryMs > atMs && !gives) {
        same.expiryMs = Math.max(same.expiryMs, expiryMs)
        return
      }
      if (wish.namespace === -1 || wish.namespace === -141) {
        const others = [...held.values()].filter((each) => each.namespace === wish.namespace && each.hash !== hash)
        const isOlder = (each: Held) =>
          timestampMs < each.timestampMs || (timestampMs === each.timestampMs && hash < each.hash)
        if (others.some((each) => each.expiryMs > atMs && isOlder(each))) return
        for (const each of others) held.delete(each.hash)
      }
      held.set(hash, { hash, ...wish, timestampMs, expiryMs })
    },
  }
}

function onRange(
  kind: number,
  choice: Choice,
  limit: number,
  apply: (held: Map<string, Held>, message: Held) => void,
): Step {
  return {
    order: [kind, choice === 'all' ? 1 : 0, choice === 'all' ? 0 : choice, limit],
    run(held, atMs) {
      for (const message of [...held.values()]) {
        if (message.expiryMs > atMs && (choice === 'all' || message.namespace === choice)) apply(held, message)
      }
    },
  }
}

function mayMove(mode: Mode, { timestampMs, expiryMs }: Held, wantedMs: number): boolean {
  const byMs = wantedMs - expiryMs
  switch (mode) {
    case 'set':
      return true
    case 'shorten':
      return byMs < 0
    case 'extend-any':
      return byMs > 0
    case 'extend':
      return byMs > 0 && byMs >= (expiryMs - timestampMs) * 0.01
  }
}

export function tokenOf(number: number): Buffer {
  return Buffer.alloc(36, number)
}

/** Tokens that are revoked when everything up to a stamp is done, oldest first. */
export function revokedTokens(
  placed: readonly (Placed & { baseMs: number })[],
  before = Number.POSITIVE_INFINITY,
): number[] {
  const changes = placed.flatMap(({ at, baseMs, request }) =>
    request.kind === 'revoke' || request.kind === 'unrevoke' ? [{ stamp: baseMs * 1000 + at, ...request }] : [],
  )
  const orderOf = ({ stamp, kind, tokens }: (typeof changes)[number]) =>
    [stamp, kind === 'revoke' ? 1 : 2, tokens.length, ...tokens] as const
  changes.sort((a, b) => compare(orderOf(a), orderOf(b)))
  let revoked: number[] = []
  for (const { kind, tokens, stamp } of changes) {
    if (stamp >= before) continue
    revoked = revoked.filter((token) => !tokens.includes(token))
    if (kind === 'revoke') revoked = [...revoked, ...new Set(tokens)].slice(-50)
  }
  return revoked
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index]
    if (right === undefined) return 1
    if (left !== right) return left < right ? -1 : 1
  }
  return a.length - b.length
}
