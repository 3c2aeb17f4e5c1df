import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { DAY } from '../../../src/base/clock.ts'
import { accountFromSeed } from '../../../src/client/account.ts'
import type { MemberPage } from '../../../src/client/calls/retrieve.ts'
import { sealEnvelope } from '../../../src/client/envelope.ts'
import { Inbox } from '../../../src/client/inbox.ts'
import { openReceived } from '../../../src/client/received.ts'
import { type MessageHash, parseMessageHash, type StoredMessage } from '../../../src/protocol/message.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'

const alice = accountFromSeed('11'.repeat(32))
const bob = accountFromSeed('22'.repeat(32))
const memberOf = (name: string) => name.repeat(64) as ServiceNodeKey

function hashOf(bytes: Uint8Array): MessageHash {
  return parseMessageHash(Buffer.from(bytes).toString('base64').replace(/=$/, '')) as MessageHash
}

function stored(data: Uint8Array, expiryMs: number): StoredMessage {
  return { account: bob.id, namespace: 0, hash: hashOf(randomBytes(32)), data, timestampMs: 0, expiryMs }
}

function pageOf(member: string, messages: readonly StoredMessage[], more = false): MemberPage {
  return { member: memberOf(member), messages, more, lastHash: messages.at(-1)?.hash, forged: 0 }
}

test('a message comes once, whatever a member says about its end', async () => {
  const inbox = new Inbox()
  const data = sealEnvelope({ text: 'hello', sentMs: 1 }, alice, bob.id)
  const message = stored(data, 1)
  const received = []
  for (const [day, member] of ['a', 'b', 'c'].entries()) {
    await inbox.read(async () => pageOf(member, [message]), day * 14 * DAY)
    received.push(...openReceived(inbox.take(), bob).messages)
  }
  expect(received.map(({ text }) => text)).toEqual(['hello'])
})

test('a member that goes on for ever does not fill the memory: a call ends, and the next goes on', async () => {
  const inbox = new Inbox()
  const data = Buffer.alloc(4 * 1024 * 1024)
  let pages = 0
  const endless = async () => {
    pages++
    return pageOf('a', [stored(data, 1)], true)
  }
  await inbox.read(endless, 0)
  expect(inbox.take().length).toBe(16)
  expect(pages).toBe(16)
  await inbox.read(endless, 0)
  expect(inbox.take().length).toBe(16)
})

test('what was read and not taken counts, too, when nobody takes it for long', async () => {
  const inbox = new Inbox()
  const data = Buffer.alloc(4 * 1024 * 1024)
  for (let call = 0; call < 3; call++) await inbox.read(async () => pageOf('a', [stored(data, 1)], true), 0)
  expect(inbox.take().length).toBe(16)
})
