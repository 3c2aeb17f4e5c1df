import { fromHex, toHex } from '../../base/bytes.ts'
import { type Clock, type DurationMs, MINUTE, SECOND } from '../../base/clock.ts'
import { blsSignatureParameter, parseBlsSignature } from '../../crypto/bls.ts'
import { type BlsTags, blsTags } from '../../crypto/bls-messages.ts'
import { StakingError } from '../errors.ts'
import type { MemberId } from '../member-codec.ts'
import type { StakingOptions } from '../options.ts'
import { createRpcClient, type RpcClient } from '../rpc-client.ts'
import type { BlsThread } from './bls-thread.ts'
import type { ContractReader } from './contract-reader.ts'
import {
  readServiceNodeAnswer,
  type ServiceNodeAnswer,
  type ServiceNodeQuestion,
  wrong,
} from './service-node-answer.ts'
import {
  type CollectedSignature,
  insufficient,
  type SignatureSource,
  type SignatureSubject,
} from './signature-source.ts'

export interface ServiceNodeRpcComponents {
  readonly clock: Clock
  readonly contract: Pick<ContractReader, 'signers' | 'member'>
  readonly bls: BlsThread
}

export type ServiceNodeRpcOptions = Pick<StakingOptions, 'chainId' | 'contract'> & {
  /** JSON-RPC URLs of Session nodes, such as `https://seed1.getsession.org/json_rpc`, asked in this order until one helps. */
  readonly serviceNodeUrls: readonly string[]
  /** Longest wait for one of them: it asks all the members itself. */
  readonly serviceNodeTimeoutMs: DurationMs
}

export const defaultServiceNodeRpcOptions = { serviceNodeTimeoutMs: MINUTE } as const

/** Two thousand non-signers in decimal, and the rest. */
const REPLY_MAX_BYTES = 256 * 1024
/** How many may have registered since the Session node looked at the contract. */
const NEWCOMERS_MAX = 8
/** How far from our clock what it had signed may be. The contract takes it for ten minutes. */
const TIMESTAMP_TOLERANCE_MS = 10 * MINUTE

/**
 * Has a Session node collect signatures of the members of Session's own contract. Nothing is taken from it on trust: the message is
 * computed here, and the signature is checked with the keys that the contract has.
 */
export function createServiceNodeRpcSignatureSource(
  components: ServiceNodeRpcComponents,
  options: ServiceNodeRpcOptions,
): SignatureSource {
  const tags = blsTags(options.chainId, options.contract)
  const limits = { requestTimeoutMs: options.serviceNodeTimeoutMs, replyMaxBytes: REPLY_MAX_BYTES }
  const nodes = options.serviceNodeUrls.map((url) => createRpcClient(components, { url, ...limits }))

  return {
    async collect(subject, signal) {
      const { question, method, params } = await callOf(subject, components.contract, signal)
      let failure = new StakingError('SIGNATURE_NODE_FAILED', 'No Session node is configured')
      for (const node of nodes) {
        try {
          const answer = await ask(node, { method, params }, question, tags, signal)
          requireNow(answer, components.clock)
          return await verified(answer, tags, components, signal)
        } catch (error) {
          if (!(error instanceof StakingError)) throw error
          failure = error
        }
      }
      throw failure
    },
  }
}

interface ServiceNodeCall {
  readonly question: ServiceNodeQuestion
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

/** Session's nodes are asked for an exit by the Ed25519 key, which is the contract's to tell. */
async function callOf(
  subject: SignatureSubject,
  contract: ServiceNodeRpcComponents['contract'],
  signal: AbortSignal,
): Promise<ServiceNodeCall> {
  if (subject.kind === 'reward') {
    const recipient = subject.recipient.toLowerCase() as `0x${string}`
    return { question: { kind: 'reward', recipient }, method: 'bls_rewards_request', params: { address: recipient } }
  }
  const bls = toHex(subject.blsPublicKey)
  const { members } = await contract.signers(signal)
  const id = members.find((member) => member.bls === bls)?.id
  const member = id === undefined ? undefined : await contract.member(id, signal)
  if (member === undefined)
    throw new StakingError('CONTRACT_REFUSED', 'No service node is registered with this BLS key')
  const params = { pubkey: member.key, liquidate: subject.kind === 'liquidate' }
  return { question: { kind: subject.kind, bls }, method: 'bls_exit_liquidation_request', params }
}

async function ask(
  node: RpcClient,
  { method, params }: Pick<ServiceNodeCall, 'method' | 'params'>,
  question: ServiceNodeQuestion,
  tags: BlsTags,
  signal: AbortSignal,
): Promise<ServiceNodeAnswer> {
  let result: unknown
  try {
    result = await node.request(method, params, signal)
  } catch (error) {
    if (!(error instanceof StakingError)) throw error
    const sentence =
      error.code === 'PROVIDER_REFUSED' || error.code === 'CALL_REVERTED'
        ? 'A Session node refuses to have this signed'
        : 'A Session node cannot be asked for signatures'
    const details = { host: node.host, cause: error.code }
    throw new StakingError('SIGNATURE_NODE_FAILED', `${sentence} (${node.host})`, { details })
  }
  return readServiceNodeAnswer(result, question, tags)
}

/** A signature from the future would remove the service node's next registration too. */
function requireNow({ request }: ServiceNodeAnswer, clock: Clock): void {
  if (request.kind === 'reward') return
  const distanceMs = Math.abs(request.timestampS * SECOND - clock.nowMs())
  if (distanceMs > TIMESTAMP_TOLERANCE_MS) throw wrong('a timestamp far from now')
}

/** The signature and the list of those who are not in it, as the contract will want them now. */
async function verified(
  answer: ServiceNodeAnswer,
  tags: BlsTags,
  { contract, bls }: ServiceNodeRpcComponents,
  signal: AbortSignal,
): Promise<CollectedSignature> {
  const { members, nonSignersMax } = await contract.signers(signal)
  const said = members.filter(({ id }) => !answer.nonSigners.has(id))
  const signature = parseBlsSignature(answer.signature)
  if (signature === undefined) throw wrong('no point as its signature')
  for (let newcomers = 0; newcomers <= Math.min(NEWCOMERS_MAX, said.length - 1); newcomers++) {
    // Ids ascend, so who has registered since comes last.
    const signers = said.slice(0, said.length - newcomers)
    const subject = { message: answer.message, tag: tags.hashToG2 }
    const task = { kind: 'verify', ...subject, publicKeys: signers.map(keyOf), signature } as const
    if (await bls.run<'verify'>(task, signal)) {
      const isSigner = new Set(signers.map(({ id }) => id))
      const nonSigners = members.flatMap(({ id }) => (isSigner.has(id) ? [] : [id]))
      const counts = { signed: signers.length, members: members.length, refusals: {} }
      if (nonSigners.length > nonSignersMax) throw insufficient({ ...counts, nonSignersMax })
      return { ...subjectOf(answer), signature: blsSignatureParameter(signature), nonSigners, ...counts }
    }
  }
  throw wrong("a signature that is not the members'")
}

function subjectOf({ request }: ServiceNodeAnswer): Pick<CollectedSignature, 'kind' | 'timestampS' | 'totalAtomic'> {
  return request.kind === 'reward'
    ? { kind: request.kind, totalAtomic: request.totalAtomic }
    : { kind: request.kind, timestampS: request.timestampS }
}

function keyOf({ bls }: MemberId): Uint8Array {
  return fromHex(bls) ?? new Uint8Array()
}
