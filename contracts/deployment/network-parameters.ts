import type { Hex } from 'viem'
import { CodedError } from '../../src/base/coded-error.ts'

// What a network of one's own is made with, and what of it would cost somebody else's money.

/** A member that is there before the start. Its proof of possession must have been checked: the contract takes its keys on trust. */
export interface SeedMember {
  readonly blsPubkey: { readonly X: bigint; readonly Y: bigint }
  readonly ed25519Pubkey: bigint
  readonly addedTimestampS: bigint
  /** Owns the stake, which the deployer pays. */
  readonly operator: Hex
}

export interface StakingOptions {
  readonly tokenName: string
  readonly tokenSymbol: string
  /** All tokens there will ever be; they belong to the deployer. */
  readonly tokenSupplyAtomic: bigint
  readonly stakingRequirementAtomic: bigint
  readonly maxContributors: number
  /** Parts of a liquidated stake: the caller's, the pool's, and what the contributors keep. */
  readonly liquidationRatios: { readonly liquidator: bigint; readonly pool: bigint; readonly recipient: bigint }
  /** How long after its timestamp an exit signature may be used. */
  readonly signatureExpiryS: number
  /** At most this much leaves by claims in one cycle. */
  readonly claimThresholdAtomic: bigint
  readonly claimCycleS: number
  /** No rewards are put under the members' control before there are so many. */
  readonly minimumMembers: number
  /** Who may upgrade the contracts; the deployer by default. */
  readonly proxyAdminOwner: Hex | undefined
}

const TOKEN = 1_000_000_000n

export const defaultStakingOptions: StakingOptions = {
  tokenName: 'Starling Test Token',
  tokenSymbol: 'STAR',
  tokenSupplyAtomic: 240_000_000n * TOKEN,
  stakingRequirementAtomic: 25_000n * TOKEN,
  maxContributors: 10,
  liquidationRatios: { liquidator: 3n, pool: 17n, recipient: 9980n },
  signatureExpiryS: 600,
  claimThresholdAtomic: 1_000_000n * TOKEN,
  claimCycleS: 12 * 60 * 60,
  minimumMembers: 4,
  proxyAdminOwner: undefined,
}

export type StakingDeploymentErrorCode =
  /** With fewer than four members none may be silent: one dead node blocks every exit and claim. */
  | 'HAZARD_MINIMUM_MEMBERS'
  /** Nobody is to be a member at the start: the first to come could sign itself any balance before the second comes. */
  | 'HAZARD_NO_MEMBERS'
  /** The seeded members, or those registered when the pool is to be funded, are fewer than the minimum. */
  | 'HAZARD_TOO_FEW_MEMBERS'
  /** The supply does not cover the minimum of stakes, so the network could never be governed safely. */
  | 'HAZARD_SUPPLY_TOO_SMALL'
  /** One cycle's claims could not even return one stake, so it would come back in parts, against everybody's claims. */
  | 'HAZARD_CLAIM_THRESHOLD'
  /** Signatures could hardly be collected in time, or are valid for so long that one removes the node's next registration too. */
  | 'HAZARD_SIGNATURE_EXPIRY'
  /** A first member does not prove that it holds its BLS key, which may be made so that it signs for all. */
  | 'HAZARD_PROOF_MISSING'
  /** The file of parameters or of a member is malformed. */
  | 'PARAMETERS_INVALID'
  /** The chain, or what is at the contract's address, is not what the parameters say. */
  | 'NETWORK_WRONG'
  /** A transaction was mined but failed. */
  | 'TRANSACTION_FAILED'

export class StakingDeploymentError extends CodedError<StakingDeploymentErrorCode> {}

/** Members take timestamps of three minutes ago, and to collect from 2,000 of them takes two. */
const SIGNATURE_EXPIRY_MIN_S = 300
/**
 * The contract keeps a registration safe from signatures for two hours. Members may see for more than one of them what is not so any
 * more, for an hour passes before they take the chain to stand still, and sign an exit that has been meanwhile.
 */
const SIGNATURE_EXPIRY_MAX_S = 1800

/** Threshold floor(n / 3) is 1 from three members on; a fourth lets one leave without losing that. */
const MINIMUM_MEMBERS_MIN = 4

/** @throws {StakingDeploymentError} HAZARD_… */
export function refuseHazards(options: StakingOptions): void {
  if (options.minimumMembers < MINIMUM_MEMBERS_MIN) {
    throw new StakingDeploymentError('HAZARD_MINIMUM_MEMBERS', `A network needs ${MINIMUM_MEMBERS_MIN} members or more`)
  }
  if (options.tokenSupplyAtomic < options.stakingRequirementAtomic * BigInt(options.minimumMembers)) {
    throw new StakingDeploymentError('HAZARD_SUPPLY_TOO_SMALL', 'The supply does not cover the minimum of stakes')
  }
  if (options.signatureExpiryS < SIGNATURE_EXPIRY_MIN_S || options.signatureExpiryS > SIGNATURE_EXPIRY_MAX_S) {
    const bounds = `${SIGNATURE_EXPIRY_MIN_S} to ${SIGNATURE_EXPIRY_MAX_S}`
    throw new StakingDeploymentError('HAZARD_SIGNATURE_EXPIRY', `Signatures must be good for ${bounds} seconds`)
  }
  if (options.claimThresholdAtomic < options.stakingRequirementAtomic) {
    throw new StakingDeploymentError('HAZARD_CLAIM_THRESHOLD', 'A returned stake could not be claimed in one cycle')
  }
}

/** @throws {StakingDeploymentError} HAZARD_NO_MEMBERS, HAZARD_TOO_FEW_MEMBERS */
export function refuseTooFew(members: number, minimum: number): void {
  if (members >= minimum) return
  if (members === 0) {
    throw new StakingDeploymentError('HAZARD_NO_MEMBERS', 'The first to register would own everything that follows')
  }
  throw new StakingDeploymentError('HAZARD_TOO_FEW_MEMBERS', 'There are too few members to govern the rewards', {
    details: { members, minimum },
  })
}
