// The contract and src/crypto/bls.ts agree with each other and with signatures that Session's nodes made.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { type Address, type Hex, parseAbi, zeroAddress } from 'viem'
import { afterAll, expect, test } from 'vitest'
import { startAnvil } from '../../devnet/chain/anvil.ts'
import { createChainClient } from '../../devnet/chain/chain-client.ts'
import { type BlsSignatureParameter, blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import { type BlsTags, blsTags, proofOfPossessionMessage } from '../../src/crypto/bls-messages.ts'
import { serviceNodeRewardsAbi } from '../../src/staking/abi.ts'
import rewardsArtifact from '../artifacts/ServiceNodeRewards.json' with { type: 'json' }
import { aKeySet, contributor, integerOf, mined, revertOf, signedBy } from './staking-network.ts'

const vectors = JSON.parse(readFileSync(new URL('../../test/vectors/staking-bls.json', import.meta.url), 'utf8'))
const STAKE = 1000n
const FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

/** Our contract on a chain with this id, at this address, initialised. */
async function contractAt(chainId: number, address: Address) {
  const anvil = opened.use(await startAnvil({ chainId }))
  const account = anvil.accounts[0]
  if (account === undefined) throw new Error('A chain has accounts')
  const client = createChainClient(anvil, account.privateKey)
  const bytecode = rewardsArtifact.bytecode as Hex
  const { contractAddress } = await mined(client, client.deployContract({ abi: parseAbi(['constructor()']), bytecode }))
  const code = await client.getCode({ address: contractAddress ?? zeroAddress })
  await client.setCode({ address, bytecode: code ?? '0x' })
  const contract = { address, abi: serviceNodeRewardsAbi } as const
  const somebody = client.account.address
  const args = [somebody, somebody, STAKE, 10n, 3n, 17n, 9980n] as const
  await mined(client, client.writeContract({ ...contract, functionName: 'initialize', args }))
  return { client, contract }
}

function keyParameter(hex: string) {
  return { X: BigInt(`0x${hex.slice(0, 64)}`), Y: BigInt(`0x${hex.slice(64)}`) }
}

function signatureParameter(hex: string): BlsSignatureParameter {
  const word = (index: number) => BigInt(`0x${hex.slice(64 * index, 64 * index + 64)}`)
  return { sigs0: word(0), sigs1: word(1), sigs2: word(2), sigs3: word(3) }
}

test("the contract accepts oxend's proof of possession", async () => {
  const {
    chainId,
    contract: address,
    operator,
    blsPublicKey,
    proofOfPossession,
    ed25519PublicKey,
  } = vectors.registration
  const { client, contract } = await contractAt(chainId, address)
  const validate = (caller: Address) =>
    client.simulateContract({
      ...contract,
      functionName: 'validateProofOfPossession',
      args: [
        keyParameter(blsPublicKey),
        signatureParameter(proofOfPossession),
        caller,
        BigInt(`0x${ed25519PublicKey}`),
      ],
    })
  await validate(operator)
  expect(await revertOf(validate(address))).toEqual(['InvalidBLSProofOfPossession'])
})

test("the contract accepts the reward that Session's nodes signed", async () => {
  const { chainId, contract: address, recipient, amountAtomic, aggregatePublicKey, signature } = vectors.reward
  const { client, contract } = await contractAt(chainId, address)
  // One member with the aggregate key stands for all that signed.
  const node = {
    blsPubkey: keyParameter(aggregatePublicKey),
    ed25519Pubkey: 1n,
    addedTimestamp: 1n,
    contributors: [contributor(client.account.address, STAKE)],
  }
  await mined(client, client.writeContract({ ...contract, functionName: 'seedPublicKeyList', args: [[node]] }))
  await mined(client, client.writeContract({ ...contract, functionName: 'start' }))
  const update = (amount: bigint) => {
    const args = [recipient, amount, signatureParameter(signature), []] as const
    return { ...contract, functionName: 'updateRewardsBalance', args } as const
  }
  const refused = await revertOf(client.simulateContract(update(BigInt(amountAtomic) + 1n)))
  expect(refused).toEqual(['InvalidBLSSignature', node.blsPubkey])
  await mined(client, client.writeContract(update(BigInt(amountAtomic))))
})

test('the contract accepts our proofs of possession and none that is changed', async () => {
  const address = '0x00000000000000000000000000000000000a11ce'
  const { client, contract } = await contractAt(31337, address)
  const tags: BlsTags = blsTags(31337, address)
  const operator = client.account.address
  const validate = (key: { X: bigint; Y: bigint }, signature: BlsSignatureParameter, ed25519: bigint) =>
    client.simulateContract({
      ...contract,
      functionName: 'validateProofOfPossession',
      args: [key, signature, operator, ed25519],
    })

  const word = fc.constantFrom('sigs0', 'sigs1', 'sigs2', 'sigs3')
  await fc.assert(
    fc.asyncProperty(word, fc.nat(255), fc.nat(255), async (flippedWord, bit, ed25519Bit) => {
      const keys = aKeySet()
      const key = blsPublicKeyParameter(keys.publicKey)
      const ed25519 = integerOf(keys.ed25519)
      const message = proofOfPossessionMessage(tags, keys.publicKey, operator, keys.ed25519)
      const signature = signedBy([keys], message, tags)
      await validate(key, signature, ed25519)

      const flipped = { ...signature, [flippedWord]: signature[flippedWord] ^ (1n << BigInt(bit)) }
      const refused = ['InvalidBLSProofOfPossession']
      expect(await revertOf(validate(key, flipped, ed25519))).toEqual(refused)
      expect(await revertOf(validate(key, signature, ed25519 ^ (1n << BigInt(ed25519Bit))))).toEqual(refused)
      expect(await revertOf(validate({ X: key.X, Y: FIELD - key.Y }, signature, ed25519))).toEqual(refused)
      // The same point written with a coordinate beyond the field.
      expect(await revertOf(validate(key, { ...signature, sigs0: signature.sigs0 + FIELD }, ed25519))).toEqual(refused)
      expect(await revertOf(validate({ X: key.X + FIELD, Y: key.Y }, signature, ed25519))).toEqual(refused)
    }),
    { numRuns: 20 },
  )
})
