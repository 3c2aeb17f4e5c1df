// Members on a local chain with the real contracts, each with a real peer network, that sign by the real rules.
import { createChainClient } from '../../../../devnet/chain/chain-client.ts'
import { MINUTE } from '../../../../src/base/clock.ts'
import { silentLogger } from '../../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../../src/base/metrics.ts'
import { generateBlsSecretKey } from '../../../../src/crypto/bls.ts'
import type { Member } from '../../../../src/protocol/service-node.ts'
import { serviceNodeRewardsAbi } from '../../../../src/staking/abi.ts'
import { createMembershipFollower, type MembershipFollower } from '../../../../src/staking/membership-follower.ts'
import { createStakingMetrics } from '../../../../src/staking/metrics.ts'
import type { StakingOptions } from '../../../../src/staking/options.ts'
import { type ChainProviders, createChainProviders } from '../../../../src/staking/providers.ts'
import { type BlsThread, createBlsThread } from '../../../../src/staking/signatures/bls-thread.ts'
import { type ContractReader, createContractReader } from '../../../../src/staking/signatures/contract-reader.ts'
import { createSignatureMetrics } from '../../../../src/staking/signatures/metrics.ts'
import { defaultSignatureOptions, type SignatureOptions } from '../../../../src/staking/signatures/options.ts'
import { createPeerSignatureSource } from '../../../../src/staking/signatures/peer-source.ts'
import { createRegistrationLookup } from '../../../../src/staking/signatures/registration-lookup.ts'
import type { SigningLedger } from '../../../../src/staking/signatures/rules.ts'
import type { SignatureSource } from '../../../../src/staking/signatures/signature-source.ts'
import { createSigner, type Signer } from '../../../../src/staking/signatures/signer.ts'
import { createTestNode, type TestNode as PeerNode } from '../../network/peer-network-support.ts'
import {
  aNode,
  createStakedChain,
  type StakedChain,
  type TestNode,
  temporaryFolder,
  testStakingOptions,
} from '../staked-chain.ts'

/** What a member does when it is asked. */
export type Conduct =
  /** It signs by the rules. */
  | 'honest'
  /** It takes requests and never answers. */
  | 'hanging'
  /** It does not run. */
  | 'down'
  /** It signs by the rules, with another key than the contract has. */
  | 'false'

export interface SigningNetwork extends AsyncDisposable {
  readonly chain: StakedChain
  readonly clock: { nowMs(): number; monotonicMs(): number }
  readonly providers: ChainProviders
  readonly follower: MembershipFollower
  readonly contract: ContractReader
  readonly bls: BlsThread
  readonly nodes: readonly TestNode[]
  readonly members: readonly Member[]
  /** Ledger of all honest members. */
  ledger: SigningLedger | undefined
  /** Lets time pass on every clock but the chain's. */
  freeze(ms: number): void
  /** Lets time pass on the chain and on every clock, and has what came before become an epoch. */
  pass(ms: number): Promise<void>
  /** Collects as the first member, whose contract reader may be another. */
  source(contract?: Pick<ContractReader, 'signers'>): SignatureSource
  signer(index: number): Signer
  exposeMetrics(): Promise<string>
  readonly options: SignatureOptions & Pick<StakingOptions, 'chainId' | 'contract' | 'epochLengthS' | 'membersMax'>
}

/** The first one collects, so it is honest. Those that run may begin and cease to hang later: the list is looked at each time. */
export async function createSigningNetwork(
  conducts: Conduct[],
  changes: Partial<SignatureOptions> = {},
): Promise<SigningNetwork> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  const chain = stack.use(await createStakedChain())
  const nodes = conducts.map(() => aNode())
  const members: Member[] = []
  for (const node of nodes) members.push(await chain.register(node))

  let nowMs = Number(await chain.latestTimestampS()) * 1000
  // Never goes back, while the other one does when the chain takes up its own time after a freeze.
  let passedMs = 0
  const clock = { nowMs: () => nowMs, monotonicMs: () => passedMs }
  const registry = createMetricsRegistry()
  const parts = { log: silentLogger, clock, metrics: createStakingMetrics(registry) }
  const staking = testStakingOptions(chain, [chain.anvil.rpcUrl], folder.path)
  const options = { ...defaultSignatureOptions, ...staking, askTimeoutMs: 6000, ...changes }
  const providers = createChainProviders(parts, staking)
  const follower = stack.use(await createMembershipFollower({ ...parts, providers }, staking))
  const contract = createContractReader({ providers, clock }, options)
  const registrations = createRegistrationLookup({ providers, clock }, options)
  const bls = stack.use(createBlsThread({ log: silentLogger }, options))
  const metrics = createSignatureMetrics(registry)

  const held: { ledger: SigningLedger | undefined } = { ledger: undefined }
  const ledger: SigningLedger = {
    current: () => held.ledger?.current(),
    previous: () => held.ledger?.previous(),
    disagrees: () => held.ledger?.disagrees() ?? false,
  }
  const doubt = { isDoubted: () => false }
  const signers = nodes.map(({ blsSecretKey }, index) =>
    createSigner(
      {
        ...{ log: silentLogger, clock, metrics, chain: follower, doubt, contract, registrations, ledger, bls },
        blsSecretKey: conducts[index] === 'false' ? generateBlsSecretKey() : blsSecretKey,
      },
      options,
    ),
  )
  const peers = await startPeers(stack, { nodes, members, signers, conducts })

  const started = stack.move()
  return {
    ...{ chain, clock, providers, follower, contract, bls, nodes, members, options },
    get ledger() {
      return held.ledger
    },
    set ledger(value) {
      held.ledger = value
    },
    freeze(ms) {
      nowMs += ms
      passedMs += ms
    },
    async pass(ms) {
      const thenS = (await chain.latestTimestampS()) + BigInt(Math.ceil(ms / 1000))
      await chain.mineAt(thenS)
      await chain.mineAt(thenS + 2n * BigInt(staking.epochLengthS))
      await chain.finalize()
      nowMs = Number(await chain.latestTimestampS()) * 1000
      passedMs += ms
      await follower.refresh()
    },
    source(reader = contract) {
      const [first, signer] = [peers[0], signers[0]]
      if (first === undefined || signer === undefined) throw new Error('Somebody must collect')
      return createPeerSignatureSource(
        {
          ...{ log: silentLogger, clock, metrics, self: first.key, peers: first.network, signer },
          ...{ chain: follower, contract: reader, ledger, bls },
        },
        options,
      )
    },
    signer(index) {
      const signer = signers[index]
      if (signer === undefined) throw new Error('There are fewer members')
      return signer
    },
    exposeMetrics: () => registry.expose(),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function startPeers(
  stack: AsyncDisposableStack,
  parts: {
    nodes: readonly TestNode[]
    members: readonly Member[]
    signers: readonly Signer[]
    conducts: readonly Conduct[]
  },
): Promise<readonly PeerNode[]> {
  const peers: PeerNode[] = []
  for (const [index, { ed25519 }] of parts.nodes.entries()) {
    const [member, signer, conduct] = [parts.members[index], parts.signers[index], parts.conducts[index]]
    if (member === undefined || signer === undefined || conduct === 'down') continue
    const bootstrapMultiaddrs = peers.slice(0, 1).map((first) => first.address())
    const peer = stack.use(await createTestNode({ identity: ed25519, member }, parts.members, { bootstrapMultiaddrs }))
    peer.network.handle('sign', (from, payload, signal) =>
      parts.conducts[index] === 'hanging' ? untilAborted(signal) : signer.handle(from, payload),
    )
    await peer.network.start()
    peers.push(peer)
  }
  const first = peers[0]
  // Whoever collects knows where everyone is that runs.
  while ((first?.network.status().records ?? 0) < peers.length) await new Promise((resolve) => setTimeout(resolve, 20))
  return peers
}

function untilAborted(signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** The address and the interface of the contract, and a client that sends to it. */
export function rewardsOf({ chain }: SigningNetwork) {
  return { address: chain.staking.rewards, abi: serviceNodeRewardsAbi } as const
}

export function strangerOf({ chain }: SigningNetwork) {
  const account = chain.anvil.accounts[1]
  if (account === undefined) throw new Error('anvil has accounts')
  return createChainClient(chain.anvil, account.privateKey)
}

/** More than the contract asks of a service node before it may be removed. */
export const OLD_ENOUGH_MS = 121 * MINUTE
