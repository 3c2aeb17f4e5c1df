// One signer on a local chain: what it signs and what it refuses.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toHex } from '../../../../src/base/bytes.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../../../src/base/clock.ts'
import { silentLogger } from '../../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../../src/base/metrics.ts'
import { BlsMessage, blsPublicKey, blsVerify, parseBlsSignature } from '../../../../src/crypto/bls.ts'
import { blsTags } from '../../../../src/crypto/bls-messages.ts'
import { ProtocolError } from '../../../../src/protocol/errors.ts'
import {
  decodeSignatureAnswer,
  encodeSignatureRequest,
  type SignatureRequest,
} from '../../../../src/protocol/peer-api/signature-request.ts'
import type { Member } from '../../../../src/protocol/service-node.ts'
import type { BlsThread } from '../../../../src/staking/signatures/bls-thread.ts'
import { createSignatureMetrics } from '../../../../src/staking/signatures/metrics.ts'
import { createRegistrationLookup } from '../../../../src/staking/signatures/registration-lookup.ts'
import { signedMessageOf } from '../../../../src/staking/signatures/signed-message.ts'
import { createSigner, type SignerComponents, type SignerOptions } from '../../../../src/staking/signatures/signer.ts'
import { aNode, type TestNode } from '../staked-chain.ts'
import { createSigningNetwork, rewardsOf, type SigningNetwork } from './signing-network.ts'

let network: SigningNetwork
let own: TestNode

beforeAll(async () => {
  network = await createSigningNetwork(['honest'])
  const [first] = network.nodes
  if (first === undefined) throw new Error('There is a node')
  own = first
})
afterAll(() => network?.[Symbol.asyncDispose]())
/** A signer of its own for each test, with nothing remembered. */
function aSigner(
  changes: Partial<SignerOptions> = {},
  bls: BlsThread = network.bls,
  chain: SignerComponents['chain'] = network.follower,
) {
  const { clock, contract, providers, ledger } = network
  const options = { ...network.options, ...changes }
  const registrations = createRegistrationLookup({ providers, clock }, options)
  const metrics = createSignatureMetrics(createMetricsRegistry())
  const doubt = { isDoubted: () => false }
  const { blsSecretKey } = own
  return createSigner(
    { log: silentLogger, clock, metrics, blsSecretKey, chain, doubt, contract, registrations, ledger, bls },
    options,
  )
}

/** The thread of the network, and what it was given. */
function countingThread(): { readonly bls: BlsThread; readonly asked: readonly string[] } {
  const asked: string[] = []
  const bls: BlsThread = {
    run(task, signal) {
      asked.push(task.kind)
      return network.bls.run(task, signal)
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  return { bls, asked }
}

function removal(kind: 'exit' | 'liquidate', node: TestNode, offsetMs = 0): SignatureRequest {
  const nowMs = Math.floor(network.clock.nowMs() / MINUTE) * MINUTE
  return { kind, bls: node.keys.bls, timestampS: (nowMs + offsetMs) / SECOND }
}

async function asOwner(functionName: 'pause' | 'unpause'): Promise<void> {
  const { client } = network.chain
  const hash = await client.writeContract({ ...rewardsOf(network), functionName })
  await client.waitForTransactionReceipt({ hash })
  await network.pass(2 * MINUTE)
}

function expectSigned(answer: unknown, request: SignatureRequest): void {
  const { signature } = answer as { signature: Uint8Array }
  const subject = signedMessageOf(request, blsTags(network.options.chainId, network.options.contract))
  const parsed = parseBlsSignature(signature)
  if (subject === undefined || parsed === undefined) throw new Error('This is no signature')
  expect(blsVerify(blsPublicKey(own.blsSecretKey), new BlsMessage(subject.message, subject.tag), parsed)).toBe(true)
}

test('a registration that its key did not sign is liquidated after a day, and a signed one is not', async () => {
  const [honest, forged] = [aNode(), aNode()]
  // A registration is looked for between two seconds, and before a chain's first one there is none.
  await network.pass(MINUTE)
  await network.chain.register(honest)
  await network.chain.register(forged, { isSigned: false })
  await network.pass(23 * HOUR)
  const signer = aSigner()
  expect(await signer.sign(removal('liquidate', forged))).toEqual({ refusal: 'not-liquidatable' })
  await network.pass(HOUR)
  expect(await signer.sign(removal('liquidate', honest))).toEqual({ refusal: 'not-liquidatable' })
  const request = removal('liquidate', forged)
  expectSigned(await signer.sign(request), request)
  expect(await signer.sign(removal('exit', forged))).toEqual({ refusal: 'leave-not-requested' })
})

test('registrations are looked up seldom, each once, and what could not be looked up is not signed', async () => {
  const [first, second] = [aNode(), aNode()]
  await network.chain.register(first)
  await network.chain.register(second)
  await network.pass(2 * DAY)
  const signer = aSigner({ lookupRate: { burst: 1, perSecond: 0.01 } })
  for (const _ of [1, 2])
    expect(await signer.sign(removal('liquidate', first))).toEqual({ refusal: 'not-liquidatable' })
  expect(await signer.sign(removal('liquidate', second))).toEqual({ refusal: 'registration-unread' })
  network.freeze(2 * MINUTE)
  expect(await signer.sign(removal('liquidate', second))).toEqual({ refusal: 'not-liquidatable' })
})

test('a seeded member that is older than the chain has no event, and is looked up once', async () => {
  const { clock, providers, options } = network
  const lookupRate = { burst: 1, perSecond: 0.01 }
  const registrations = createRegistrationLookup({ providers, clock }, { ...options, lookupRate })
  const seeded = { ...network.members[0], addedTimestampS: 1_000_000_000n } as Member
  for (const _ of [1, 2]) expect(await registrations.find(seeded)).toBe('no-event')
})

test('whoever asked to leave and let the time go by is liquidated from 22 days on', async () => {
  const node = aNode()
  const { id } = await network.chain.register(node)
  await network.chain.requestExit(id)
  await network.pass(21 * DAY)
  const signer = aSigner()
  expect(await signer.sign(removal('liquidate', node))).toEqual({ refusal: 'not-liquidatable' })
  const exit = removal('exit', node)
  expectSigned(await signer.sign(exit), exit)
  await network.pass(DAY)
  const liquidation = removal('liquidate', node)
  expectSigned(await signer.sign(liquidation), liquidation)
  expect(await signer.sign(removal('exit', node, 4 * MINUTE))).toEqual({ refusal: 'timestamp' })
})

test('nothing is signed while the contract is paused, or when the newest final block is old', async () => {
  const node = aNode()
  const { id } = await network.chain.register(node)
  await network.chain.requestExit(id)
  await network.pass(16 * DAY)
  const signer = aSigner()
  expect(await signer.sign(removal('exit', node))).toHaveProperty('signature')
  network.freeze(62 * MINUTE)
  expect(await signer.sign(removal('exit', node))).toEqual({ refusal: 'chain-frozen' })
  await asOwner('pause')
  expect(await signer.sign(removal('exit', node))).toEqual({ refusal: 'paused' })
  await asOwner('unpause')
  expect(await signer.sign(removal('exit', node))).toHaveProperty('signature')
})

test('nothing is signed by an old list, even when new blocks become final', async () => {
  const node = aNode()
  const { id } = await network.chain.register(node)
  await network.chain.requestExit(id)
  await network.pass(16 * DAY)
  const { follower } = network
  const signer = aSigner({}, network.bls, {
    current: () => follower.current(),
    // As when providers agree about blocks and not about the members.
    status: () => ({ ...follower.status(), headAgeMs: 20 * MINUTE }),
  })
  expect(await signer.sign(removal('exit', node))).toHaveProperty('signature')
  network.freeze(2 * HOUR)
  expect(await signer.sign(removal('exit', node))).toEqual({ refusal: 'chain-frozen' })
  await network.pass(MINUTE)
  expect(await signer.sign(removal('exit', node))).toHaveProperty('signature')
})

test('the same message is signed once, however many ask; a caller and a subject have their rates', async () => {
  const node = aNode()
  const { id } = await network.chain.register(node)
  await network.chain.requestExit(id)
  await network.pass(16 * DAY)
  const { bls, asked } = countingThread()
  const rates = { callerRate: { burst: 3, perSecond: 0.1 }, subjectRate: { burst: 2, perSecond: 0.1 } }
  const signer = aSigner(rates, bls)
  const ask = async (from: TestNode, request: SignatureRequest) =>
    decodeSignatureAnswer(await signer.handle(from.keys.key, encodeSignatureRequest(request)))
  const [alice, bob] = [aNode(), aNode()]
  const now = removal('exit', node)
  const answers = await Promise.all([ask(alice, now), ask(alice, now), ask(bob, now)])
  expect(asked).toHaveLength(1)
  for (const answer of answers) expectSigned(answer, now)
  expect(await ask(alice, removal('exit', node, -MINUTE))).toHaveProperty('signature')
  expect(asked).toHaveLength(2)
  expect(await ask(bob, removal('exit', node, MINUTE))).toEqual({ refusal: 'busy' })
  expect(await ask(bob, now)).toHaveProperty('signature')
  for (const from of [alice, bob]) expect(await ask(from, now)).toEqual({ refusal: 'busy' })
  expect(await signer.sign(now)).toHaveProperty('signature')
  expect(asked).toHaveLength(2)
})

test('a reward is signed by the ledger', async () => {
  await network.pass(MINUTE)
  const recipient = `0x${'ab'.repeat(20)}` as const
  const request: SignatureRequest = { kind: 'reward', recipient, index: 3, totalAtomic: 77n }
  expect(await aSigner().sign(request)).toEqual({ refusal: 'ledger-missing' })
  const snapshotOf = { index: 3, totals: new Map([[recipient, 77n]]) }
  network.ledger = { current: () => snapshotOf, previous: () => undefined, disagrees: () => false }
  const signer = aSigner()
  expectSigned(await signer.sign(request), request)
  expect(await signer.sign({ ...request, totalAtomic: 78n })).toEqual({ refusal: 'ledger-total' })
  network.ledger = undefined
})

test('what an account has earned is signed for anyone, once for all of them, and nothing else is', async () => {
  const recipient = `0x${'cd'.repeat(20)}` as const
  const request: SignatureRequest = { kind: 'reward', recipient, index: 4, totalAtomic: 99n }
  const snapshot = { index: 4, totals: new Map([[recipient, 99n]]) }
  network.ledger = { current: () => snapshot, previous: () => undefined, disagrees: () => false }
  const { bls, asked } = countingThread()
  const signer = aSigner({}, bls)
  const ask = async (what: SignatureRequest) =>
    decodeSignatureAnswer(await signer.handleReward(encodeSignatureRequest(what)))
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask(request)))
  for (const answer of answers.slice(0, 4)) expectSigned(answer, request)
  // More strangers at once wait for another time, so that members find the thread free.
  expect(answers[4]).toEqual({ refusal: 'busy' })
  expectSigned(await ask(request), request)
  expect(asked).toEqual(['sign'])
  expect(await ask({ ...request, totalAtomic: 100n })).toEqual({ refusal: 'ledger-total' })
  for (const kind of ['exit', 'liquidate'] as const)
    await expect(ask(removal(kind, own))).rejects.toBeInstanceOf(ProtocolError)
  expect(asked).toEqual(['sign'])
  network.ledger = undefined
})

test('a request that is none is the asker’s fault', async () => {
  const signer = aSigner()
  await expect(signer.handle(own.keys.key, Buffer.of(9))).rejects.toBeInstanceOf(ProtocolError)
  const stranger = removal('exit', aNode())
  await network.pass(MINUTE)
  expect(toHex(await signer.handle(own.keys.key, encodeSignatureRequest(stranger)))).toBe('07')
})
