import { decodeEventLog, toEventSelector } from 'viem'
import { concat, fromHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import { RateLimiter } from '../../base/rate-limiter.ts'
import { verifySignature } from '../../crypto/signature.ts'
import { type Member, serviceNodeKeyBytes } from '../../protocol/service-node.ts'
import { serviceNodeRewardsAbi } from '../abi.ts'
import { agree } from '../agreement.ts'
import type { ChainProvider } from '../chain-provider.ts'
import { type ChainBlock, type ChainLog, type Hex, malformed } from '../chain-reply.ts'
import { findEpochBlock } from '../epoch-block.ts'
import { StakingError } from '../errors.ts'
import { type Head, readFinalizedHeads } from '../finalized-heads.ts'
import type { StakingOptions } from '../options.ts'
import type { ChainProviders } from '../providers.ts'
import type { SignatureOptions } from './options.ts'

/**
 * What the event of a registration holds beyond the contract's state: an Ed25519 signature that the contract does not check. A seeded
 * service node has no such event, so there is nothing to judge it by.
 */
export type RegistrationFinding = 'signed' | 'unsigned' | 'no-event'

export interface RegistrationLookup {
  /** Undefined when it could not be found out now. A member's registration never changes, so it is looked up once. */
  find(member: Member): Promise<RegistrationFinding | undefined>
}

export type RegistrationLookupOptions = Pick<StakingOptions, 'contract'> &
  Pick<SignatureOptions, 'lookupRate' | 'lookupTimeoutMs'>

const EVENT = serviceNodeRewardsAbi.find((item) => item.type === 'event' && item.name === 'NewServiceNodeV2')
if (EVENT?.type !== 'event') throw new Error('The ABI has the event')
const TOPIC: Hex = toEventSelector(EVENT)
/** More than any network of this kind has had. */
const REMEMBERED_MAX = 20_000

export function createRegistrationLookup(
  { providers, clock }: { providers: ChainProviders; clock: Clock },
  options: RegistrationLookupOptions,
): RegistrationLookup {
  const found = new Map<bigint, RegistrationFinding>()
  const underWay = new Map<bigint, Promise<RegistrationFinding | undefined>>()
  // One bucket for everybody: what is bounded is what providers are asked.
  const limiter = new RateLimiter({ clock }, { ...options.lookupRate, keysMax: 1, whenFull: 'refuse' })

  const lookUp = async (member: Member): Promise<RegistrationFinding | undefined> => {
    try {
      const finding = await readFinding(providers, member, options.contract, withDeadline(options.lookupTimeoutMs))
      if (found.size < REMEMBERED_MAX) found.set(member.id, finding)
      return finding
    } catch (error) {
      if (error instanceof StakingError) return undefined
      throw error
    } finally {
      underWay.delete(member.id)
    }
  }

  return {
    async find(member) {
      const known = found.get(member.id) ?? underWay.get(member.id)
      if (known !== undefined) return known
      if (!limiter.take('')) return undefined
      const looking = lookUp(member)
      underWay.set(member.id, looking)
      return looking
    },
  }
}

async function readFinding(
  providers: ChainProviders,
  member: Member,
  contract: Hex,
  signal: AbortSignal,
): Promise<RegistrationFinding> {
  const { heads } = await readFinalizedHeads(providers, signal)
  const ask = ({ provider, block: head }: Head) =>
    providers.use(provider, () => readFrom(provider, { member, contract, head }, signal), signal)
  const { answer } = await agree(heads, providers.quorum, {
    about: 'a registration',
    ask,
    digestOf: (finding) => finding,
  })
  return answer
}

/** The contract keeps the time of a registration, and that is the time of its block: few blocks have the same. */
async function readFrom(
  provider: ChainProvider,
  { member, contract, head }: { member: Member; contract: Hex; head: Head['block'] },
  signal: AbortSignal,
): Promise<RegistrationFinding> {
  // It may yet have an event among final blocks.
  if (head.timestampS <= member.addedTimestampS)
    throw new StakingError('EPOCH_UNKNOWN', 'The registration is not final')
  const blocks = await blocksOf(provider, member.addedTimestampS, head, signal)
  if (blocks === undefined) return 'no-event'
  const { before, last } = blocks
  if (last.number === before.number) return 'no-event'
  const range = { from: before.number + 1n, to: last.number }
  const logs = await provider.logs({ addresses: [contract], topics: [TOPIC], ...range }, signal)
  const log = logs.find(({ topics }) => BigInt(topics[1] ?? 0) === member.id)
  return log === undefined ? 'no-event' : findingOf(log, member)
}

/** Undefined when the chain was not there: a seeded member may have any time. It must not be looked for again and again. */
async function blocksOf(provider: ChainProvider, timestampS: bigint, head: ChainBlock, signal: AbortSignal) {
  try {
    const before = await findEpochBlock(provider, timestampS - 1n, { head }, signal)
    return { before, last: await findEpochBlock(provider, timestampS, { head, near: before }, signal) }
  } catch (error) {
    if (error instanceof StakingError && error.code === 'EPOCH_UNKNOWN') return undefined
    throw error
  }
}

function findingOf(log: ChainLog, member: Member): RegistrationFinding {
  const { serviceNodeSignature1, serviceNodeSignature2 } = decodeEvent(log).serviceNode
  const signature = concat(word(serviceNodeSignature1), word(serviceNodeSignature2))
  const key = serviceNodeKeyBytes(member.key)
  const keys = concat(key, fromHex(member.bls) ?? new Uint8Array())
  return verifySignature(signature, keys, key) ? 'signed' : 'unsigned'
}

function decodeEvent({ topics, data }: ChainLog) {
  try {
    const parts = { topics: topics as [Hex, ...Hex[]], data }
    return decodeEventLog({ abi: serviceNodeRewardsAbi, eventName: 'NewServiceNodeV2', ...parts }).args
  } catch {
    throw malformed('the event of a registration')
  }
}

function word(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}
