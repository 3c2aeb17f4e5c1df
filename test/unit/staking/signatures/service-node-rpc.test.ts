// Session's nodes, as a local server that collects with real keys what a contract on a local chain asks for.
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { toHex } from '../../../../src/base/bytes.ts'
import { blsPublicKey, blsPublicKeyParameter, generateBlsSecretKey } from '../../../../src/crypto/bls.ts'
import { blsTags, exitMessage } from '../../../../src/crypto/bls-messages.ts'
import { StakingError } from '../../../../src/staking/errors.ts'
import { readServiceNodeAnswer } from '../../../../src/staking/signatures/service-node-answer.ts'
import { createServiceNodeRpcSignatureSource } from '../../../../src/staking/signatures/service-node-rpc.ts'
import type { CollectedSignature, SignatureSubject } from '../../../../src/staking/signatures/signature-source.ts'
import { type SessionNode, startSessionNode } from '../session-node.ts'
import { aNode } from '../staked-chain.ts'
import { createSigningNetwork, OLD_ENOUGH_MS, rewardsOf, type SigningNetwork, strangerOf } from './signing-network.ts'

const code = (value: string, text = '') =>
  expect.objectContaining({ code: value, message: expect.stringContaining(text) })
// Nothing here ends early: each test has its own time.
const { signal } = new AbortController()
const RECIPIENT = '0xABcdEFABcdEFabcdEfAbCdefabcdeFABcDEFabCD'
const TOTAL = 102_434_883_718_711n

let network: SigningNetwork
let nodes: SessionNode

beforeAll(async () => {
  // Only the first has a peer network; here nobody is asked over it.
  network = await createSigningNetwork(['honest', 'down', 'down', 'down', 'down', 'down', 'down'])
  await network.pass(OLD_ENOUGH_MS)
  nodes = await startSessionNode({
    tags: blsTags(network.options.chainId, network.options.contract),
    members: () => new Map(network.nodes.map((node, index) => [index + 1, node])),
    totalOf: () => TOTAL,
    nowMs: () => network.clock.nowMs(),
  })
})
afterAll(async () => {
  await nodes?.[Symbol.asyncDispose]()
  await network?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  nodes.silent = [3, 6]
  nodes.change = (answer) => answer
})

function aSource(urls: readonly string[] = [nodes.url]) {
  const { clock, contract, bls, options } = network
  return createServiceNodeRpcSignatureSource(
    { clock, contract, bls },
    { chainId: options.chainId, contract: options.contract, serviceNodeUrls: urls, serviceNodeTimeoutMs: 10_000 },
  )
}

function subjectOf(kind: 'exit' | 'liquidate'): SignatureSubject {
  const [node] = network.nodes
  return { kind, blsPublicKey: blsPublicKey(node?.blsSecretKey ?? generateBlsSecretKey()) }
}

const reward: SignatureSubject = { kind: 'reward', recipient: RECIPIENT }

/** Throws what the contract thinks of it. */
async function requireTaken(subject: SignatureSubject, collected: CollectedSignature): Promise<void> {
  const { signature, nonSigners } = collected
  const stranger = strangerOf(network)
  const rewards = rewardsOf(network)
  if (subject.kind === 'reward') {
    const args = [RECIPIENT, collected.totalAtomic ?? 0n, signature, nonSigners] as const
    await stranger.simulateContract({ ...rewards, functionName: 'updateRewardsBalance', args })
    return
  }
  const key = blsPublicKeyParameter(subject.blsPublicKey)
  const args = [key, BigInt(collected.timestampS ?? 0), signature, nonSigners] as const
  const functionName = subject.kind === 'exit' ? 'exitBLSPublicKeyWithSignature' : 'liquidateBLSPublicKeyWithSignature'
  await stranger.simulateContract({ ...rewards, functionName, args })
}

test('exits, liquidations and rewards are asked for by the names that such nodes know, and the contract takes them', async () => {
  const source = aSource()
  for (const kind of ['exit', 'liquidate'] as const) {
    const collected = await source.collect(subjectOf(kind), signal)
    expect(collected).toMatchObject({ kind, nonSigners: [3n, 6n], signed: 5, members: 7 })
    await requireTaken(subjectOf(kind), collected)
    const params = { pubkey: network.nodes[0]?.keys.key, liquidate: kind === 'liquidate' }
    expect(nodes.asked.at(-1)).toEqual({ method: 'bls_exit_liquidation_request', params })
  }
  const collected = await source.collect(reward, signal)
  expect(collected).toMatchObject({ kind: 'reward', totalAtomic: TOTAL, nonSigners: [3n, 6n] })
  await requireTaken(reward, collected)
  const params = { address: RECIPIENT.toLowerCase() }
  expect(nodes.asked.at(-1)).toEqual({ method: 'bls_rewards_request', params })
})

test('too few signers are told apart from a wrong answer', async () => {
  nodes.silent = [3, 5, 6]
  await expect(aSource().collect(subjectOf('exit'), signal)).rejects.toEqual(code('SIGNATURES_INSUFFICIENT', '4 of 7'))
})

test.each<readonly [string, string, (answer: Record<string, unknown>) => unknown]>([
  ['is no object', 'no object', () => 'signature'],
  ['lacks a message', 'no msg_to_sign', (answer) => ({ ...answer, msg_to_sign: undefined })],
  ['lacks a signature', 'no signature', (answer) => ({ ...answer, signature: 7 })],
  [
    'has a signature that is cut',
    'no point',
    (answer) => ({ ...answer, signature: String(answer['signature']).slice(2) }),
  ],
  ['lacks the list', 'no non_signer_indices', (answer) => ({ ...answer, non_signer_indices: {} })],
  ['lists what is no id', 'no id', (answer) => ({ ...answer, non_signer_indices: [0] })],
  ['lists too few', "not the members'", (answer) => ({ ...answer, non_signer_indices: [3] })],
  ['lists too many', "not the members'", (answer) => ({ ...answer, non_signer_indices: [2, 3, 6] })],
  ['has no timestamp', 'no timestamp', (answer) => ({ ...answer, timestamp: '5' })],
  ['has another timestamp than its message', 'something else', (answer) => ({ ...answer, timestamp: 5 })],
  ["has somebody else's message", 'something else', (answer) => ({ ...answer, msg_to_sign: '00'.repeat(128) })],
])('an answer is refused that %s', async (_, text, change) => {
  nodes.change = change
  await expect(aSource().collect(subjectOf('exit'), signal)).rejects.toEqual(code('SIGNATURE_ANSWER_WRONG', text))
})

test('a timestamp from another day is refused, though all have signed it', async () => {
  const tags = blsTags(network.options.chainId, network.options.contract)
  nodes.change = (answer) => {
    const timestamp = Number(answer['timestamp']) + 86_400
    const [subject] = network.nodes
    const message = exitMessage(tags, blsPublicKey(subject?.blsSecretKey ?? generateBlsSecretKey()), timestamp)
    return { ...answer, timestamp, msg_to_sign: toHex(message) }
  }
  await expect(aSource().collect(subjectOf('exit'), signal)).rejects.toEqual(
    code('SIGNATURE_ANSWER_WRONG', 'far from now'),
  )
})

test("an amount is the message's, and one that differs beside it is refused", async () => {
  nodes.change = (answer) => ({ ...answer, amount: Number(TOTAL) + 1 })
  await expect(aSource().collect(reward, signal)).rejects.toEqual(code('SIGNATURE_ANSWER_WRONG', 'amount'))
  nodes.change = (answer) => ({ ...answer, msg_to_sign: `0x${String(answer['msg_to_sign'])}` })
  expect(await aSource().collect(reward, signal)).toMatchObject({ totalAtomic: TOTAL })
})

test('a node that refuses or is away is passed over, and when nobody is left its refusal is told', async () => {
  const stranger: SignatureSubject = { kind: 'exit', blsPublicKey: blsPublicKey(generateBlsSecretKey()) }
  await expect(aSource().collect(stranger, signal)).rejects.toEqual(code('CONTRACT_REFUSED', 'No service node'))
  const away = 'http://127.0.0.1:1/json_rpc'
  expect(await aSource([away, nodes.url]).collect(reward, signal)).toMatchObject({ totalAtomic: TOTAL })
  await expect(aSource([away]).collect(reward, signal)).rejects.toEqual(
    code('SIGNATURE_NODE_FAILED', 'cannot be asked'),
  )
  nodes.change = () => undefined
  await expect(aSource().collect(reward, signal)).rejects.toEqual(code('SIGNATURE_NODE_FAILED', 'refuses'))
})

test('who has registered since the node looked is added to the list', async () => {
  await network.chain.register(aNode())
  nodes.silent = [3]
  const collected = await aSource().collect(subjectOf('exit'), signal)
  expect(collected).toMatchObject({ nonSigners: [3n, 8n], signed: 6, members: 8 })
  await requireTaken(subjectOf('exit'), collected)
})

test('whatever an answer is, it is taken or refused', () => {
  const { chainId, contract } = network.options
  const question = { kind: 'reward', recipient: RECIPIENT } as const
  const anything = fc.oneof(
    fc.anything(),
    fc.record({
      msg_to_sign: fc.anything(),
      signature: fc.string(),
      amount: fc.anything(),
      non_signer_indices: fc.array(fc.anything()),
    }),
  )
  fc.assert(
    fc.property(anything, (value) => {
      try {
        readServiceNodeAnswer(value, question, blsTags(chainId, contract))
      } catch (error) {
        expect(error).toBeInstanceOf(StakingError)
      }
    }),
    { numRuns: 500 },
  )
})
