// Nine members on a local chain: one is down, one hangs and one signs falsely, so exactly as many sign as must.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY } from '../../../../src/base/clock.ts'
import { blsPublicKey, blsPublicKeyParameter, generateBlsSecretKey } from '../../../../src/crypto/bls.ts'
import { blsTags } from '../../../../src/crypto/bls-messages.ts'
import type { ContractReader } from '../../../../src/staking/signatures/contract-reader.ts'
import type { CollectedSignature, SignatureSubject } from '../../../../src/staking/signatures/signature-source.ts'
import { signedMessageOf } from '../../../../src/staking/signatures/signed-message.ts'
import { aNode } from '../staked-chain.ts'
import {
  type Conduct,
  createSigningNetwork,
  OLD_ENOUGH_MS,
  rewardsOf,
  type SigningNetwork,
  strangerOf,
} from './signing-network.ts'

const conducts: Conduct[] = ['honest', 'honest', 'down', 'honest', 'honest', 'honest', 'honest', 'false', 'honest']
/** Hangs in one of the tests. */
const HANGING = 4
/** The one that leaves: it signs its own exit too. */
const LEAVING = 8

// Nothing here ends early: each test has its own time.
const { signal } = new AbortController()
let network: SigningNetwork
let exiting: SignatureSubject

beforeAll(async () => {
  network = await createSigningNetwork(conducts)
  exiting = subjectOf(LEAVING, 'exit')
})
afterAll(() => network?.[Symbol.asyncDispose]())

function subjectOf(index: number, kind: 'exit' | 'liquidate'): SignatureSubject {
  const node = network.nodes[index]
  if (node === undefined) throw new Error('There are fewer nodes')
  return { kind, blsPublicKey: blsPublicKey(node.blsSecretKey) }
}

const removals = { exit: 'exitBLSPublicKeyWithSignature', liquidate: 'liquidateBLSPublicKeyWithSignature' } as const

/** The contract's own opinion of a collected signature. */
function callOf(subject: SignatureSubject, collected: CollectedSignature) {
  if (subject.kind === 'reward' || collected.timestampS === undefined) throw new Error('This is no removal')
  const key = blsPublicKeyParameter(subject.blsPublicKey)
  const args = [key, BigInt(collected.timestampS), collected.signature, collected.nonSigners] as const
  return { ...rewardsOf(network), functionName: removals[subject.kind], args } as const
}

const simulate = (call: ReturnType<typeof callOf>) => strangerOf(network).simulateContract(call)
const refusedFor = (refusals: object) =>
  expect.objectContaining({ code: 'SIGNATURES_INSUFFICIENT', details: expect.objectContaining(refusals) })

test('nobody signs for a stranger, for a member that stays, or before the wait is over', async () => {
  await network.pass(OLD_ENOUGH_MS)
  const source = network.source()
  const stranger: SignatureSubject = { kind: 'exit', blsPublicKey: blsPublicKey(generateBlsSecretKey()) }
  await expect(source.collect(stranger, signal)).rejects.toEqual(
    refusedFor({ signed: 0, members: 9, needed: 6, 'not-a-member': 8, silent: 1 }),
  )
  await expect(source.collect(exiting, signal)).rejects.toEqual(refusedFor({ signed: 0, 'leave-not-requested': 8 }))
  await network.chain.requestExit(BigInt(LEAVING + 1))
  await network.pass(14.9 * DAY)
  await expect(network.source().collect(exiting, signal)).rejects.toEqual(refusedFor({ signed: 0, 'too-early': 8 }))
})

test('with a third of them silent or false enough sign, the false one is found and rested, and the contract takes the sum', async () => {
  await network.pass(0.2 * DAY)
  conducts[HANGING] = 'hanging'
  const source = network.source()
  const collected = await source.collect(exiting, signal)
  expect(collected).toMatchObject({
    ...{ kind: 'exit', nonSigners: [3n, 5n, 8n], signed: 6, members: 9 },
    refusals: { silent: 2, 'false-signature': 1 },
  })
  await simulate(callOf(exiting, collected))

  conducts[HANGING] = 'honest'
  const again = await source.collect(exiting, signal)
  expect(again).toMatchObject({ nonSigners: [3n, 8n], refusals: { silent: 1, benched: 1 } })
  expect(again.timestampS).toBe(collected.timestampS)
  await simulate(callOf(exiting, again))
  const metrics = await network.exposeMetrics()
  expect(metrics).toContain('starling_staking_false_signatures_total 1')
  expect(metrics).toContain('starling_staking_signature_collections_total{kind="exit",outcome="enough"} 2')
})

test('who registers while signatures are summed is listed', async () => {
  const { chain, contract } = network
  const id = await chain.client.snapshot()
  let reads = 0
  const slipping: Pick<ContractReader, 'signers'> = {
    async signers(abort) {
      if (++reads === 2) await chain.register(aNode())
      return contract.signers(abort)
    },
  }
  const collected = await network.source(slipping).collect(exiting, signal)
  expect(reads).toBe(3)
  expect(collected).toMatchObject({ nonSigners: [3n, 8n, 10n], signed: 7, members: 10, refusals: { new: 1 } })
  await simulate(callOf(exiting, collected))
  await chain.client.revert({ id })
})

test('who registers afterwards spoils the sum, and collecting again mends it without asking anyone again', async () => {
  const source = network.source()
  const collected = await source.collect(exiting, signal)
  await network.chain.register(aNode())
  await expect(simulate(callOf(exiting, collected))).rejects.toThrow('InvalidBLSSignature')
  for (const index of [1, 3, 4, 5, 6, 8]) conducts[index] = 'hanging'
  const again = await source.collect(exiting, signal)
  expect(again).toMatchObject({ nonSigners: [3n, 8n, 10n], timestampS: collected.timestampS })
  const stranger = strangerOf(network)
  const { request } = await simulate(callOf(exiting, again))
  const receipt = await stranger.waitForTransactionReceipt({ hash: await stranger.writeContract(request) })
  expect(receipt.status).toBe('success')
  expect(await stranger.readContract({ ...rewardsOf(network), functionName: 'totalNodes' })).toBe(9n)
})

test('the signature of a member that leaves while signatures are summed is taken out of the sum', async () => {
  // The list of the epoch still has the one that left above, so its exit is signed once more.
  for (const index of [1, 3, 4, 5, 6, 8]) conducts[index] = 'honest'
  const { contract, bls, options } = network
  let reads = 0
  const losing: Pick<ContractReader, 'signers'> = {
    async signers(abort) {
      const list = await contract.signers(abort)
      return ++reads === 1 ? list : { ...list, members: list.members.filter(({ id }) => id !== 2n) }
    },
  }
  const collected = await network.source(losing).collect(exiting, signal)
  expect(collected).toMatchObject({ nonSigners: [3n, 8n, 10n], signed: 5, members: 8 })
  const { members } = await contract.signers(signal)
  const signers = members.filter(({ id }) => ![2n, 3n, 8n, 10n].includes(id))
  const { sigs0, sigs1, sigs2, sigs3 } = collected.signature
  const signature = Buffer.from(
    [sigs0, sigs1, sigs2, sigs3].map((word) => word.toString(16).padStart(64, '0')).join(''),
    'hex',
  )
  const tags = blsTags(options.chainId, options.contract)
  const request = {
    kind: 'exit',
    bls: network.nodes[LEAVING]?.keys.bls ?? '',
    timestampS: collected.timestampS ?? 0,
  } as const
  const subject = signedMessageOf(request, tags)
  if (subject === undefined) throw new Error('This is a key')
  const publicKeys = signers.map((signer) => Buffer.from(signer.bls, 'hex'))
  expect(await bls.run<'verify'>({ kind: 'verify', ...subject, publicKeys, signature })).toBe(true)
})
