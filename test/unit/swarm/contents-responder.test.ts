import { expect, test } from 'vitest'
import { DAY, MINUTE } from '../../../src/base/clock.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import { CONTENTS_EXCHANGE_MAX_BYTES, type HeldMessage } from '../../../src/protocol/contents.ts'
import { heldEntryOf, thingOf } from '../../../src/protocol/contents-entry.ts'
import { encodeContentsRequest } from '../../../src/protocol/peer-api/contents-request.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import type { SwarmArc } from '../../../src/protocol/swarm-assignment.ts'
import { anAccount, START_MS } from '../rpc/rpc-fixture.ts'
import { aMessage } from '../storage/store-fixture.ts'
import { ask, type ContentsNetwork, type ContentsNode, createContentsNetwork } from './contents-fixture.ts'

const alice = anAccount(1)
const STAMP = START_MS * 1000
const stranger = 'ab'.repeat(32) as ServiceNodeKey
const neverAborted = new AbortController().signal

function held(data: Buffer, account: AccountId = alice.id): HeldMessage {
  const message = aMessage({ account, data })
  return { kind: 'message', message, stamp: STAMP, livesUntilMs: message.expiryMs, changedStamp: STAMP }
}

function pairOf({ nodes }: ContentsNetwork): { asker: ContentsNode; holder: ContentsNode; arc: SwarmArc } {
  const [asker, holder] = nodes as [ContentsNode, ContentsNode]
  const arc = holder.node.membership.ownArc()
  if (arc === undefined) throw new Error('There is one swarm')
  return { asker, holder, arc }
}

test('what is held is listed, read, paged, offered and given', async () => {
  await using swarm = await createContentsNetwork(2)
  const { asker, holder, arc } = pairOf(swarm)
  const things = [held(Buffer.from('one')), held(Buffer.from('two'))]
  const given = await ask(asker, holder, { kind: 'give', items: things })
  expect(given).toEqual({ outcomes: ['taken', 'taken'] })
  expect(holder.announced).toHaveLength(2)
  const again = await ask(asker, holder, { kind: 'give', items: things })
  expect(again).toEqual({ outcomes: ['taken', 'taken'] })
  expect(holder.announced).toHaveLength(2)

  const entries = things.map(heldEntryOf)
  const missing = heldEntryOf(held(Buffer.from('three')))
  expect(await ask(asker, holder, { kind: 'offer', entries: [...entries, missing] })).toEqual({
    wanted: [false, false, true],
  })
  const read = await ask(asker, holder, { kind: 'read', entries: [missing, ...entries] })
  expect(read).toMatchObject({ items: things.map(({ message: { hash } }) => ({ message: { hash } })) })

  const bucket = Math.floor((START_MS + DAY) / (10 * MINUTE))
  const slots = new Set(Array.from({ length: 16 }, (_, slot) => slot))
  const list = await ask(asker, holder, { kind: 'list', arc, bucket, slots, after: 0 })
  expect('entries' in list && list.entries.map(thingOf).sort()).toEqual(entries.map(thingOf).sort())
  expect(await ask(asker, holder, { kind: 'list', arc, bucket, slots: new Set(), after: 0 })).toEqual({ entries: [] })

  const page = await ask(asker, holder, { kind: 'page', arc, first: 0, last: 255, after: undefined })
  expect(page).toMatchObject({ more: false })
  expect('items' in page && page.items).toHaveLength(2)
})

test('what is given in vain is said to be refused, full, or for later', async () => {
  await using swarm = await createContentsNetwork(2, { storage: { accountMessagesMax: 2 } })
  const { asker, holder } = pairOf(swarm)
  const wrong = held(Buffer.from('right'))
  const items = [
    held(Buffer.from('one')),
    { ...wrong, message: { ...wrong.message, data: Buffer.from('wrong') } },
    held(Buffer.from('two')),
    held(Buffer.from('three')),
  ]
  expect(await ask(asker, holder, { kind: 'give', items })).toEqual({
    outcomes: ['taken', 'refused', 'full', 'full'],
  })
  // Whose accounts these are, the two may know differently for a while.
  const ofStranger = await holder.responder.handle(
    stranger,
    encodeContentsRequest({ kind: 'give', items: [held(Buffer.from('four'))] }),
    neverAborted,
  )
  expect([...ofStranger]).toEqual([0, 0, 1, 3])
})

test('as much is given as an answer has room for', async () => {
  await using swarm = await createContentsNetwork(2)
  const { asker, holder, arc } = pairOf(swarm)
  const things = Array.from({ length: 30 }, (_, at) => held(Buffer.alloc(70_000, at)))
  for (const part of [things.slice(0, 14), things.slice(14, 28), things.slice(28)]) {
    await ask(asker, holder, { kind: 'give', items: part })
  }
  const request = { kind: 'read', entries: things.map(heldEntryOf) } as const
  const answer = await holder.responder.handle(asker.key, encodeContentsRequest(request), neverAborted)
  expect(answer.length).toBeLessThanOrEqual(CONTENTS_EXCHANGE_MAX_BYTES)
  const read = await ask(asker, holder, request)
  const count = 'items' in read ? read.items.length : 0
  expect(count).toBeGreaterThan(10)

  let pages = 0
  let seen = 0
  let page = await ask(asker, holder, { kind: 'page', arc, first: 0, last: 255, after: undefined })
  for (;;) {
    if ('obstacle' in page) throw new Error('A member may ask for these')
    pages++
    seen += page.items.length
    const last = page.items.at(-1)
    if (!page.more || last === undefined) break
    page = await ask(asker, holder, { kind: 'page', arc, first: 0, last: 255, after: heldEntryOf(last) })
  }
  expect([seen, pages > 1]).toEqual([30, true])
})

test('who is not of this swarm is told nothing', async () => {
  await using swarm = await createContentsNetwork(2)
  const { asker, holder, arc } = pairOf(swarm)
  const thing = held(Buffer.from('secret'))
  await ask(asker, holder, { kind: 'give', items: [thing] })
  const as = (request: Parameters<typeof encodeContentsRequest>[0]) =>
    holder.responder.handle(stranger, encodeContentsRequest(request), neverAborted)
  const otherArc = [2]
  expect([...(await as({ kind: 'total', arc, from: 0, sum: Buffer.alloc(16) }))]).toEqual(otherArc)
  expect([...(await as({ kind: 'buckets', arc, from: 0, sums: [] }))]).toEqual(otherArc)
  expect([...(await as({ kind: 'list', arc, bucket: 1, slots: new Set([1]), after: 0 }))]).toEqual(otherArc)
  expect([...(await as({ kind: 'page', arc, first: 0, last: 255, after: undefined }))]).toEqual(otherArc)
  await expect(as({ kind: 'read', entries: [heldEntryOf(thing)] })).rejects.toMatchObject({ code: 'PEER_FAILED' })
})

test('a member that has had its bytes, or asks too much at once, has to wait', async () => {
  await using swarm = await createContentsNetwork(2, {
    comparing: { bytesPerSecondMax: 10_000, burstBytes: 40_000, answersPerMemberMax: 2 },
  })
  const { asker, holder, arc } = pairOf(swarm)
  const total = { kind: 'total', arc, from: 0, sum: Buffer.alloc(16) } as const
  const busy = { code: 'PEER_BUSY' }
  await expect(Promise.all([1, 2, 3].map(() => ask(asker, holder, total)))).rejects.toMatchObject(busy)

  const items = [held(Buffer.alloc(50_000))]
  await ask(asker, holder, { kind: 'give', items })
  await expect(ask(asker, holder, total)).rejects.toMatchObject(busy)
  holder.node.store.clock.pass(10_000)
  await ask(asker, holder, total)
  expect(await holder.metrics()).toContain('starling_swarm_contents_answers_total{request="unknown",outcome="busy"}')
})

test('a member cannot have more looked through than what it might be given is worth', async () => {
  await using swarm = await createContentsNetwork(2, {
    comparing: { bytesPerSecondMax: 1_000_000, burstBytes: 1_000_000 },
  })
  const { asker, holder, arc } = pairOf(swarm)
  const entries = Array.from({ length: 500 }, (_, at) => heldEntryOf(held(Buffer.from(`none ${at}`))))
  const asked: readonly Parameters<typeof encodeContentsRequest>[0][] = [
    { kind: 'page', arc, first: 0, last: 255, after: undefined },
    { kind: 'list', arc, bucket: 1, slots: new Set(), after: 0 },
    { kind: 'offer', entries },
    { kind: 'total', arc, from: 0, sum: Buffer.alloc(16) },
  ]
  for (const request of asked) {
    const untilBusy = async () => {
      for (let times = 0; times < 100; times++) await ask(asker, holder, request)
    }
    await expect(untilBusy()).rejects.toMatchObject({ code: 'PEER_BUSY' })
    holder.node.store.clock.pass(MINUTE)
  }
})

test('what breaks the protocol is refused and held against whoever sent it', async () => {
  await using swarm = await createContentsNetwork(2)
  const { asker, holder } = pairOf(swarm)
  const send = () => holder.responder.handle(asker.key, Buffer.from([99]), neverAborted)
  for (let time = 0; time < 16; time++) await expect(send()).rejects.toMatchObject({ code: 'FRAME_MALFORMED' })
  await expect(send()).rejects.toMatchObject({ code: 'PEER_FAILED' })
})
