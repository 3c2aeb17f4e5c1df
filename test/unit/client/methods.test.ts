// Every method of the SDK against real service nodes: what they verify, keep and sign is theirs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY, HOUR } from '../../../src/base/clock.ts'
import { type Account, accountFromSeed } from '../../../src/client/account.ts'
import type { AccountMessages } from '../../../src/client/account-messages.ts'
import { batchCall } from '../../../src/client/calls/batch.ts'
import { deleteCall } from '../../../src/client/calls/delete.ts'
import { ifElseCall } from '../../../src/client/calls/if-else.ts'
import { retrieveCall } from '../../../src/client/calls/retrieve.ts'
import { storeCall } from '../../../src/client/calls/store.ts'
import type { StarlingClient } from '../../../src/client/client.ts'
import { groupFromSeed, issuePass, memberFromPass, type Right } from '../../../src/client/groups.ts'
import { isConfirmedByMajority } from '../../../src/client/member-results.ts'
import type { Owner } from '../../../src/client/signer.ts'
import { hashMessage, type MessageHash } from '../../../src/protocol/message.ts'
import { type RealSwarm, START_MS, startRealSwarm } from './real-swarm.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const failsWith = (code: string) => expect.objectContaining({ code })

let swarm: RealSwarm
let client: StarlingClient
let seeds = 0

/** Nobody has stored anything for it. */
const newAccount = () => accountFromSeed((++seeds).toString(16).padStart(64, '0'))

beforeAll(async () => {
  swarm = await startRealSwarm(8, 3)
  client = swarm.clientOf()
})
afterAll(() => swarm[Symbol.asyncDispose]())

/** Stores one message for each text, in this order, and gives their hashes. */
async function stored(messages: AccountMessages, texts: readonly string[], namespace = 0): Promise<MessageHash[]> {
  const hashes = []
  for (const text of texts) hashes.push((await messages.store({ data: bytes(text), namespace, ttlMs: DAY })).hash)
  return hashes
}

describe('an account’s messages', () => {
  let account: Account
  let messages: AccountMessages
  let members: number
  let hashes: MessageHash[]

  /** Somebody new, who has three messages. */
  async function refill(): Promise<void> {
    account = newAccount()
    members = (await client.getSwarm(account.id)).length
    messages = client.messagesOf(account)
    hashes = await stored(messages, ['a', 'b', 'c'])
  }

  test('are kept by every member of their swarm, which each proves', async () => {
    await refill()
    const receipt = await messages.store({ data: bytes('more'), ttlMs: DAY })
    const keys = (await client.getSwarm(account.id)).map(({ key }) => key)
    expect(receipt).toMatchObject({ confirmations: members, members, expiryMs: START_MS + DAY })
    expect(isConfirmedByMajority(receipt)).toBe(true)
    expect(receipt.results.map(({ kind, member }) => [kind, member])).toEqual(keys.map((key) => ['confirmed', key]))
    const again = await messages.store({ data: bytes('more'), ttlMs: DAY })
    expect(again.hash).toBe(receipt.hash)
    expect(again.results[0]).toMatchObject({ value: { already: true } })
  })

  test('are counted without the members that fail, which are named', async () => {
    await refill()
    const page = await messages.retrieve()
    const other = (await client.getSwarm(account.id)).find(({ key }) => key !== page.member)
    if (other === undefined) throw new Error('A swarm has several members')
    swarm.rpc.faults.set(other.key, 'timeout')
    const receipts = []
    for (let n = 0; n < 6; n++) receipts.push(await messages.store({ data: bytes(`${n}`) }))
    swarm.rpc.faults.clear()
    const failed = receipts.find(({ confirmations }) => confirmations < members)
    expect(failed?.results).toContainEqual({ kind: 'failed', member: other.key, timedOut: true })
    expect(failed?.confirmations).toBe(members - 1)
  })

  test('are paged forward, and backward from the newest on', async () => {
    await refill()
    const first = await messages.retrieve({ countMax: 2 })
    const next = await messages.retrieve({ afterHash: hashes[1] as MessageHash, member: first.member })
    expect(first.messages.map(({ hash }) => hash)).toEqual(hashes.slice(0, 2))
    expect(first.more).toBe(true)
    expect(next.messages.map(({ hash }) => hash)).toEqual(hashes.slice(2))
    const newest = await messages.retrieve({ newestFirst: true, countMax: 2, member: first.member })
    expect(newest.messages.map(({ hash }) => hash)).toEqual([...hashes].reverse().slice(0, 2))
    const older = await messages.retrieve({
      newestFirst: true,
      afterHash: hashes[1] as MessageHash,
      member: first.member,
    })
    expect(older.messages.map(({ hash }) => hash)).toEqual(hashes.slice(0, 1))
  })

  test('are deleted one by one', async () => {
    await refill()
    const receipt = await messages.delete(hashes.slice(0, 2))
    expect(receipt).toMatchObject({ deleted: hashes.slice(0, 2).sort(), confirmations: members })
    expect((await messages.retrieve()).messages.map(({ hash }) => hash)).toEqual(hashes.slice(2))
  })

  test('that must be deleted but are nowhere are an error that says so', async () => {
    await refill()
    const unknown = hashMessage(account.id, 0, bytes('never stored'))
    await expect(messages.delete([unknown], { required: true })).rejects.toThrow(failsWith('NOT_FOUND'))
    await expect(messages.delete([unknown])).resolves.toMatchObject({ deleted: [], confirmations: members })
    await expect(messages.delete(hashes.slice(0, 1), { required: true })).resolves.toMatchObject({
      confirmations: members,
    })
  })

  test.each([0, 'all'] as const)('are deleted all, or up to a moment, from namespace %s', async (namespace) => {
    await refill()
    const none = await messages.deleteBefore(namespace, START_MS - 1)
    expect(none).toMatchObject({ deleted: [], confirmations: members })
    const before = await messages.deleteBefore(namespace, START_MS)
    expect(before).toMatchObject({ deleted: [...hashes].sort(), confirmations: members })
    await refill()
    const all = await messages.deleteAll(namespace)
    expect(all).toMatchObject({ deleted: [...hashes].sort(), confirmations: members })
  })

  test('end at one moment, or each at its own', async () => {
    await refill()
    const together = await messages.expire(hashes, START_MS + HOUR)
    expect(together).toMatchObject({ updated: [...hashes].sort(), unchanged: [], confirmations: members })
    const moments = hashes.map((_, at) => START_MS + (at + 2) * HOUR)
    const apart = await messages.expire(hashes, moments)
    const expected = hashes.map((hash, at) => ({ hash, expiryMs: moments[at] }))
    expected.sort((a, b) => (a.hash < b.hash ? -1 : 1))
    expect(apart).toMatchObject({ updated: [...hashes].sort(), confirmations: members })
    expect(apart.results[0]).toMatchObject({ kind: 'confirmed', value: { updated: expected } })
    expect(await messages.getExpiries(hashes)).toEqual(expected)
  })

  test('live longer or shorter, and are named when they stay as they are', async () => {
    await refill()
    const kept = [...hashes].sort().map((hash) => ({ hash, expiryMs: START_MS + DAY }))
    const longer = await messages.expire(hashes, START_MS + HOUR, { mode: 'extend' })
    // What moves nothing is not passed on: the member that was asked speaks for itself alone.
    expect(longer).toMatchObject({ updated: [], unchanged: kept, confirmations: 1 })
    const shorter = await messages.expire(hashes, START_MS + HOUR, { mode: 'shorten' })
    expect(shorter).toMatchObject({ updated: [...hashes].sort(), unchanged: [], confirmations: members })
    const mixed = await messages.expire(
      hashes,
      hashes.map((_, at) => START_MS + at * HOUR),
      { mode: 'extend' },
    )
    expect(mixed).toMatchObject({ updated: hashes.slice(2), confirmations: members })
  })

  test('end no later than 30 days from now', async () => {
    await refill()
    const receipt = await messages.expire(hashes.slice(0, 1), START_MS + 90 * DAY)
    expect(receipt.results[0]).toMatchObject({ value: { updated: [{ expiryMs: START_MS + 30 * DAY }] } })
  })

  test.each([0, 'all'] as const)('are shortened all at once, in namespace %s', async (namespace) => {
    await refill()
    const receipt = await messages.expireAll(namespace, START_MS + HOUR)
    expect(receipt).toMatchObject({ updated: [...hashes].sort(), confirmations: members })
    expect(await messages.expireAll(namespace, START_MS + HOUR)).toMatchObject({ updated: [] })
  })

  test('are the client’s own when it has the account', async () => {
    await refill()
    const own = swarm.clientOf({ account })
    expect((await own.retrieve()).messages).toHaveLength(3)
    await expect(own.expireAll(0, START_MS + HOUR)).resolves.toMatchObject({ updated: [...hashes].sort() })
    await expect(own.deleteBefore('all', START_MS)).resolves.toMatchObject({ deleted: [...hashes].sort() })
  })

  test('in a public outbox are everybody’s to read', async () => {
    await refill()
    const [hash] = await stored(messages, ['for all'], -21)
    const page = await client.retrievePublic(account.id, { namespace: -21 })
    expect(page.messages.map((each) => each.hash)).toEqual([hash])
    const inbox = client.retrievePublic(account.id, { namespace: 0 })
    await expect(inbox).rejects.toThrow(failsWith('REQUEST_REFUSED'))
  })
})

describe('several calls at once', () => {
  const account = newAccount()
  const store = (text: string) => storeCall({ account: account.id, data: bytes(text) }, account)
  const missing = deleteCall([hashMessage(account.id, 0, bytes('never stored'))], account, { required: true })

  test('each have an outcome of their own kind', async () => {
    const messages = client.messagesOf(account)
    const [one, two, gone] = await messages.batch([store('one'), store('two'), missing])
    expect(one).toMatchObject({ kind: 'done', value: { hash: hashMessage(account.id, 0, bytes('one')) } })
    expect(two).toMatchObject({ kind: 'done', value: { confirmations: expect.any(Number) } })
    expect(gone).toMatchObject({ kind: 'refused', status: 404 })
    const [page] = await messages.batch([retrieveCall({}, account)])
    expect(page.kind === 'done' && page.value.messages).toHaveLength(2)
  })

  test('in a sequence end with the first that fails', async () => {
    const outcomes = await client.messagesOf(account).sequence([store('one'), missing, store('never')])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'refused', 'skipped'])
  })

  test('are asked for on a condition', async () => {
    const yes = await client.ask(ifElseCall({ versionAtLeast: [1], heightBefore: 10 ** 9 }, store('yes'), missing))
    expect(yes).toMatchObject({ condition: true, facts: { v: [1, 2, 3] }, outcome: { kind: 'done' } })
    const no = await client.ask(ifElseCall({ versionBefore: [1] }, store('yes'), missing))
    expect(no).toMatchObject({ condition: false, outcome: { kind: 'refused', status: 404 } })
    const neither = await client.ask(ifElseCall({ hardForkBefore: [1] }, store('yes')))
    expect(neither).toMatchObject({ condition: false, outcome: undefined })
    const several = await client.ask(ifElseCall({ heightAtLeast: 0 }, batchCall([store('yes'), missing])))
    expect(several.outcome).toMatchObject({ kind: 'done', value: [{ kind: 'done' }, { kind: 'refused' }] })
  })

  test('are not sent when no node would do them', () => {
    const twentyOne = Array.from({ length: 21 }, () => missing)
    const other = storeCall({ account: newAccount().id, data: bytes('x') })
    for (const calls of [[], twentyOne, [missing, other]])
      expect(() => batchCall(calls)).toThrow(failsWith('BATCH_INVALID'))
    expect(() => ifElseCall({}, missing)).toThrow(failsWith('BATCH_INVALID'))
    expect(() => ifElseCall({ heightAtLeast: 1 }, missing, other)).toThrow(failsWith('BATCH_INVALID'))
  })
})

describe('a group', () => {
  let group: Owner
  let messages: AccountMessages

  beforeAll(() => {
    group = groupFromSeed('77'.repeat(32))
    messages = client.messagesOf(group)
  })

  /** Somebody new with a pass to the group. */
  function member(rights?: readonly Right[]) {
    const { ed25519 } = newAccount()
    const pass = issuePass(group, ed25519.publicKey, rights)
    return { pass, messages: client.messagesOf(memberFromPass(JSON.parse(JSON.stringify(pass)), ed25519)) }
  }

  test('is written to and read by its members', async () => {
    const [alice, bob] = [member(), member()]
    const { hash, confirmations } = await alice.messages.store({ data: bytes('hello'), namespace: 11, ttlMs: DAY })
    expect(confirmations).toBe((await client.getSwarm(group.id)).length)
    expect((await bob.messages.retrieve({ namespace: 11 })).messages.map((each) => each.hash)).toContain(hash)
    const longer = await bob.messages.expire([hash], START_MS + 2 * DAY, { mode: 'extend' })
    expect(longer.updated).toEqual([hash])
    expect(await bob.messages.getExpiries([hash])).toEqual([{ hash, expiryMs: START_MS + 2 * DAY }])
  })

  test('is deleted from only by its owner and members who may', async () => {
    const [hash] = (await stored(messages, ['to be deleted'], 11)) as [MessageHash]
    const writer = member()
    await expect(writer.messages.delete([hash])).rejects.toThrow(failsWith('UNAUTHORIZED'))
    await expect(writer.messages.expireAll(11, START_MS + HOUR)).rejects.toThrow(failsWith('UNAUTHORIZED'))
    const moderator = member(['read', 'write', 'delete'])
    await expect(moderator.messages.delete([hash])).resolves.toMatchObject({ deleted: [hash] })
  })

  test('is not read with a pass that was revoked, until it is good again', async () => {
    const { pass, messages: theirs } = member()
    const revocations = client.revocationsOf(group)
    const members = (await client.getSwarm(group.id)).length
    await expect(theirs.retrieve({ namespace: 11 })).resolves.toBeDefined()
    expect(await revocations.revoke([pass])).toMatchObject({ confirmations: members, members })
    expect(await revocations.list()).toContain(pass.token)
    await expect(theirs.retrieve({ namespace: 11 })).rejects.toThrow(failsWith('UNAUTHORIZED'))
    // Why they were revoked.
    await expect(theirs.retrieve({ namespace: -11 })).resolves.toMatchObject({ messages: [] })
    const back = await revocations.unrevoke([pass])
    expect(back.results[0]).toMatchObject({ kind: 'confirmed', value: { count: 1 } })
    expect(await revocations.list()).not.toContain(pass.token)
    await expect(theirs.retrieve({ namespace: 11 })).resolves.toBeDefined()
  })

  test('may be an account, too, to which others have passes', async () => {
    const account = newAccount()
    const [hash] = await stored(client.messagesOf(account), ['mine'], 2)
    const friend = newAccount()
    const pass = issuePass(account, friend.ed25519.publicKey, ['read'])
    const theirs = client.messagesOf(memberFromPass(pass, friend.ed25519))
    expect((await theirs.retrieve({ namespace: 2 })).messages.map((each) => each.hash)).toEqual([hash])
    await expect(theirs.store({ data: bytes('x'), namespace: 2 })).rejects.toThrow(failsWith('UNAUTHORIZED'))
  })
})

describe('the network', () => {
  test('is described by its nodes', async () => {
    expect(await client.info()).toMatchObject({ version: [1, 2, 3], timestampMs: START_MS })
    const nodes = await client.serviceNodes()
    expect(nodes.map(({ key }) => key).sort()).toEqual(swarm.network.nodes.map(({ key }) => key).sort())
    const active = await client.activeNodes()
    expect(active.map(({ contact }) => contact.key).sort()).toEqual(nodes.map(({ key }) => key).sort())
    for (const { contact, swarm: id } of active) {
      const node = nodes.find(({ key }) => key === contact.key)
      expect([contact.ip, contact.httpsPort, id]).toEqual([node?.ip, node?.httpsPort, node?.swarm])
    }
  })

  test('has several swarms, whose members follow from the list: nobody is asked for them', async () => {
    const swarms = new Map<bigint | undefined, number>()
    for (let n = 0; n < 20; n++) {
      const account = newAccount()
      const members = await client.getSwarm(account.id)
      const real = await swarm.rpc.first.call('get_swarm', { pubkey: account.id })
      const named = (real.json['snodes'] as { pubkey_ed25519: string }[]).map((node) => node.pubkey_ed25519)
      expect(members.map(({ key }) => key).sort()).toEqual(named.sort())
      swarms.set(members[0]?.swarm, members.length)
    }
    expect(swarms.size).toBeGreaterThan(1)
    expect(swarm.asked('get_swarm')).toBe(0)
  })
})
