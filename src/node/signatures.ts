import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { MetricsRegister } from '../base/metrics.ts'
import type { PeerNetwork } from '../network/peer-network.ts'
import type { MembershipFollower } from '../staking/membership-follower.ts'
import type { StakingOptions } from '../staking/options.ts'
import type { ChainProviders } from '../staking/providers.ts'
import { createBlsThread } from '../staking/signatures/bls-thread.ts'
import { createContractReader } from '../staking/signatures/contract-reader.ts'
import { createListDoubt } from '../staking/signatures/list-doubt.ts'
import { createSignatureMetrics } from '../staking/signatures/metrics.ts'
import { defaultSignatureOptions } from '../staking/signatures/options.ts'
import { createPeerSignatureSource } from '../staking/signatures/peer-source.ts'
import { createRegistrationLookup } from '../staking/signatures/registration-lookup.ts'
import type { SigningLedger } from '../staking/signatures/rules.ts'
import type { SignatureSource } from '../staking/signatures/signature-source.ts'
import { createSigner, type Signer } from '../staking/signatures/signer.ts'
import type { Identity } from './identity.ts'
import { createSigningRequester } from './signing-requests.ts'

export interface SignaturesComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly register: MetricsRegister
  readonly identity: Identity
  readonly peers: Pick<PeerNetwork, 'request' | 'records' | 'contact'>
  readonly chain: MembershipFollower
  readonly providers: ChainProviders
  /** Undefined while this node keeps none: then it signs no rewards. */
  readonly ledger: SigningLedger | undefined
}

export type NodeSignaturesOptions = Pick<
  StakingOptions,
  'chainId' | 'contract' | 'epochLengthS' | 'membersMax' | 'unlockAfterMs' | 'signs'
>

/** Signs for the staking contract, and collects the signatures of others for this node's operator. */
export interface NodeSignatures extends AsyncDisposable {
  readonly signer: Signer
  readonly source: SignatureSource
}

export function createNodeSignatures(components: SignaturesComponents, staking: NodeSignaturesOptions): NodeSignatures {
  const { log, clock, register, identity, peers, chain, providers, ledger } = components
  const options = { ...defaultSignatureOptions, ...staking }
  const parts = new AsyncDisposableStack()
  const metrics = createSignatureMetrics(register)
  // Of their own each, so that telling false signatures apart does not keep others waiting for ours.
  const signing = parts.use(createBlsThread({ log }, options))
  const collecting = parts.use(createBlsThread({ log }, options))
  const contract = createContractReader({ providers, clock }, options)
  const registrations = createRegistrationLookup({ providers, clock }, options)
  const doubt = parts.use(createListDoubt({ chain, peers, self: identity.key, clock }, options))
  const { blsSecretKey } = identity
  const signer = createSigner(
    { log, clock, metrics, blsSecretKey, chain, doubt, contract, registrations, ledger, bls: signing },
    options,
  )
  const self = identity.key
  const members = createSigningRequester({ self, chain, peers })
  const source = createPeerSignatureSource(
    { log, clock, metrics, self, peers: members, signer, chain, contract, ledger, bls: collecting },
    options,
  )
  return { signer, source, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
