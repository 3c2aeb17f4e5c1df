import { getAddress, type Hex } from 'viem'
import { concat } from '../../src/base/bytes.ts'
import type { BlsSecretKey, BlsSignatureParameter } from '../../src/crypto/bls.ts'
import { type Ed25519KeyPair, ed25519PublicKey } from '../../src/crypto/keys.ts'
import { verifySignature } from '../../src/crypto/signature.ts'
import { serviceNodeRewardsAbi } from '../../src/staking/abi.ts'
import type { OperatorView } from '../../src/staking/operator-account.ts'
import { createRegistration } from '../../src/staking/registration.ts'
import { JsonFields } from './json-fields.ts'
import type { NetworkFile } from './network-file.ts'
import { type SeedMember, StakingDeploymentError } from './network-parameters.ts'

/** One of the first members, with the proofs that it holds its keys. All of it is public. */
export interface Founder extends Omit<SeedMember, 'addedTimestampS'> {
  /** By the BLS key, over this contract, the operator and the Ed25519 key. */
  readonly proofOfPossession: BlsSignatureParameter
  /** By the Ed25519 key, over both keys: two halves. */
  readonly ed25519Signature: readonly [bigint, bigint]
}

/** Signs what a first member hands to the deployer. Good for this network and this operator only. */
export function createFounder(
  { chainId, rewards }: Pick<NetworkFile, 'chainId' | 'rewards'>,
  operator: Hex,
  keys: { readonly ed25519: Ed25519KeyPair; readonly blsSecretKey: BlsSecretKey },
): Founder {
  const registration = createRegistration({ chainId, contract: rewards, operator, ...keys, feeBasisPoints: 0 })
  const { serviceNodePubkey, serviceNodeSignature1, serviceNodeSignature2 } = registration.serviceNodeParams
  return {
    operator: getAddress(operator),
    blsPubkey: registration.blsPubkey,
    ed25519Pubkey: serviceNodePubkey,
    proofOfPossession: registration.proofOfPossession,
    ed25519Signature: [serviceNodeSignature1, serviceNodeSignature2],
  }
}

export function founderText(founder: Founder): string {
  const { blsPubkey, proofOfPossession, ed25519Signature } = founder
  const { sigs0, sigs1, sigs2, sigs3 } = proofOfPossession
  const value = {
    operator: founder.operator,
    ed25519: word(founder.ed25519Pubkey),
    bls: { x: word(blsPubkey.X), y: word(blsPubkey.Y) },
    proofOfPossession: { sigs0: word(sigs0), sigs1: word(sigs1), sigs2: word(sigs2), sigs3: word(sigs3) },
    ed25519Signature: { first: word(ed25519Signature[0]), second: word(ed25519Signature[1]) },
  }
  return `${JSON.stringify(value, undefined, 2)}\n`
}

/** @throws {StakingDeploymentError} PARAMETERS_INVALID */
export function parseFounder(text: string): Founder {
  const fields = JsonFields.parse(text, 'The member file')
  const [bls, proof, signature] = [
    fields.object('bls'),
    fields.object('proofOfPossession'),
    fields.object('ed25519Signature'),
  ]
  const founder: Founder = {
    operator: fields.address('operator'),
    ed25519Pubkey: fields.word('ed25519'),
    blsPubkey: { X: bls.word('x'), Y: bls.word('y') },
    proofOfPossession: {
      ...{ sigs0: proof.word('sigs0'), sigs1: proof.word('sigs1') },
      ...{ sigs2: proof.word('sigs2'), sigs3: proof.word('sigs3') },
    },
    ed25519Signature: [signature.word('first'), signature.word('second')],
  }
  for (const part of [bls, proof, signature, fields]) part.end()
  return founder
}

/**
 * The contract takes the keys of first members on trust. A BLS key that its owner cannot sign with alone may be made of the others'
 * keys, and then signs for all of them.
 * @throws {StakingDeploymentError} HAZARD_PROOF_MISSING
 */
export async function requireProof(chain: OperatorView['chain'], rewards: Hex, founder: Founder): Promise<void> {
  const { operator, blsPubkey, proofOfPossession, ed25519Pubkey, ed25519Signature } = founder
  const refuse = (sentence: string, cause?: unknown) => {
    const details = { ed25519: word(ed25519Pubkey), operator: operator as string }
    return new StakingDeploymentError('HAZARD_PROOF_MISSING', sentence, { details, cause })
  }
  const key = ed25519PublicKey(bytes(ed25519Pubkey))
  const signed = concat(bytes(ed25519Pubkey), bytes(blsPubkey.X), bytes(blsPubkey.Y))
  const signature = concat(bytes(ed25519Signature[0]), bytes(ed25519Signature[1]))
  if (!verifySignature(signature, signed, key)) throw refuse('The Ed25519 key did not sign both keys')
  const args = [blsPubkey, proofOfPossession, operator, ed25519Pubkey] as const
  const call = {
    address: rewards,
    abi: serviceNodeRewardsAbi,
    functionName: 'validateProofOfPossession',
    args,
  } as const
  try {
    await chain.simulateContract(call)
  } catch (cause) {
    throw refuse('The contract does not accept the proof of possession', cause)
  }
}

function word(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`
}

function bytes(value: bigint): Uint8Array {
  return Buffer.from(word(value).slice(2), 'hex')
}
