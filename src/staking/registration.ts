import { concat, toBigInt } from '../base/bytes.ts'
import {
  BlsMessage,
  type BlsPublicKeyParameter,
  type BlsSecretKey,
  type BlsSignatureParameter,
  blsPublicKey,
  blsPublicKeyParameter,
  blsSign,
  blsSignatureParameter,
} from '../crypto/bls.ts'
import { blsTags, proofOfPossessionMessage } from '../crypto/bls-messages.ts'
import type { Ed25519KeyPair } from '../crypto/keys.ts'
import { sign } from '../crypto/signature.ts'
import type { Hex } from './chain-reply.ts'
import { StakingError } from './errors.ts'

/** Fee of the operator in hundredths of a percent. */
export const FEE_MAX_BASIS_POINTS = 10_000

export interface RegistrationRequest {
  readonly chainId: number
  readonly contract: Hex
  /** The account that stakes. The proof of possession is only good for it. */
  readonly operator: Hex
  readonly ed25519: Ed25519KeyPair
  readonly blsSecretKey: BlsSecretKey
  /** Of no effect while the operator is the only contributor. */
  readonly feeBasisPoints: number
}

/** What addBLSPublicKey takes, for an operator that stakes alone. */
export interface Registration {
  readonly blsPubkey: BlsPublicKeyParameter
  readonly proofOfPossession: BlsSignatureParameter
  readonly serviceNodeParams: {
    readonly serviceNodePubkey: bigint
    readonly serviceNodeSignature1: bigint
    readonly serviceNodeSignature2: bigint
    readonly fee: number
  }
}

/**
 * Signs a registration: the BLS key proves its possession to the contract, and the Ed25519 key signs both keys for those who read
 * the event.
 * @throws {StakingError} STAKING_OPTIONS_INVALID
 */
export function createRegistration(request: RegistrationRequest): Registration {
  const { chainId, contract, operator, ed25519, blsSecretKey, feeBasisPoints } = request
  if (!Number.isInteger(feeBasisPoints) || feeBasisPoints < 0 || feeBasisPoints > FEE_MAX_BASIS_POINTS) {
    throw new StakingError('STAKING_OPTIONS_INVALID', `The fee must be 0 to ${FEE_MAX_BASIS_POINTS} basis points`)
  }
  const tags = blsTags(chainId, contract)
  const bls = blsPublicKey(blsSecretKey)
  const proof = proofOfPossessionMessage(tags, bls, operator, ed25519.publicKey)
  const signature = sign(concat(ed25519.publicKey, bls), ed25519.secretKey)
  return {
    blsPubkey: blsPublicKeyParameter(bls),
    proofOfPossession: blsSignatureParameter(blsSign(blsSecretKey, new BlsMessage(proof, tags.hashToG2))),
    serviceNodeParams: {
      serviceNodePubkey: toBigInt(ed25519.publicKey),
      serviceNodeSignature1: toBigInt(signature.subarray(0, 32)),
      serviceNodeSignature2: toBigInt(signature.subarray(32)),
      fee: feeBasisPoints,
    },
  }
}

/** The arguments of addBLSPublicKey in order. Without contributors, the sender is operator and owns the whole stake. */
export function registrationArguments(registration: Registration) {
  const { blsPubkey, proofOfPossession, serviceNodeParams } = registration
  return [blsPubkey, proofOfPossession, serviceNodeParams, []] as const
}
