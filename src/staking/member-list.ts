import { setImmediate } from 'node:timers/promises'
import { decodeFunctionResult, encodeFunctionData, multicall3Abi } from 'viem'
import type { Member } from '../protocol/service-node.ts'
import { mapBounded } from './bounded-parallel.ts'
import type { ChainProvider } from './chain-provider.ts'
import { type ChainBlock, type Hex, malformed } from './chain-reply.ts'
import { StakingError } from './errors.ts'
import { ALL_IDS_CALL, decodeMember, decodeMemberIds, type MemberId, memberCall } from './member-codec.ts'
import type { StakingOptions } from './options.ts'

export type MemberListOptions = Pick<
  StakingOptions,
  'contract' | 'membersMax' | 'multicall' | 'multicallCallsMax' | 'requestsInFlightMax'
>

/**
 * The members in the state after `block`, ascending by id, from one provider. Those that are `unchanged` are not read again if they are
 * still listed.
 * @throws {StakingError} PROVIDER_…, MEMBERS_TOO_MANY, EPOCH_UNKNOWN: there was no contract yet
 */
export async function readMemberList(
  provider: ChainProvider,
  block: ChainBlock,
  options: MemberListOptions,
  signal: AbortSignal,
  unchanged: readonly Member[] = [],
): Promise<readonly Member[]> {
  const all = await provider.call({ to: options.contract, data: ALL_IDS_CALL }, block.number, signal)
  // Not an empty list: a provider that has lost the state of a block may answer the same.
  if (all === '0x' && !(await provider.hasCode(options.contract, block.number, signal))) throw contractMissing()
  const entries = decodeMemberIds(all, options.membersMax)
  const known = new Map(unchanged.map((member) => [member.id, member]))
  const asked = entries.filter(({ id, bls }) => known.get(id)?.bls !== bls)
  const calls = asked.map(({ id }) => memberCall(id))
  for (const member of await decodeAll(asked, await callMany(provider, calls, block, options, signal)))
    known.set(member.id, member)
  const members = entries.map(({ id }) => known.get(id)).filter((member) => member !== undefined)
  if (new Set(members.map((member) => member.key)).size < members.length) throw malformed('an Ed25519 key occurs twice')
  await requireUnchanged(provider, block, signal)
  return members
}

/** All reads of a pass are pinned by number; this shows that the number still names the block that it named before. */
export async function requireUnchanged(
  provider: ChainProvider,
  block: Pick<ChainBlock, 'number' | 'hash'>,
  signal: AbortSignal,
): Promise<void> {
  const again = await provider.block(block.number, signal)
  if (again?.hash === block.hash) return
  throw new StakingError('PROVIDER_INCONSISTENT', `A final block changed while it was read (${provider.host})`, {
    details: { host: provider.host },
  })
}

/** Decoding 2,000 members takes more than 100 ms, so others get their turn in between. */
async function decodeAll(entries: readonly MemberId[], results: readonly Hex[]): Promise<readonly Member[]> {
  const members: Member[] = []
  for (const [index, entry] of entries.entries()) {
    members.push(memberOf(entry, results[index] ?? '0x'))
    if (index % DECODED_AT_ONCE === 0) await setImmediate()
  }
  return members
}

/** Some 5 ms of work. */
const DECODED_AT_ONCE = 64

function contractMissing(): StakingError {
  return new StakingError('EPOCH_UNKNOWN', "The staking contract did not exist yet at the epoch's block")
}

function memberOf(entry: MemberId, data: Hex): Member {
  const member = decodeMember(entry.id, data)
  if (member === undefined || member.bls !== entry.bls)
    throw malformed('a service node that contradicts the list of ids')
  return member
}

/** Results of calls to the contract, bundled where the chain allows it. */
async function callMany(
  provider: ChainProvider,
  calls: readonly Hex[],
  block: ChainBlock,
  options: MemberListOptions,
  signal: AbortSignal,
): Promise<readonly Hex[]> {
  const bundled = calls.length > 1 && (await provider.hasCode(options.multicall, block.number, signal))
  if (!bundled) {
    return mapBounded(calls, options.requestsInFlightMax, (data) =>
      provider.call({ to: options.contract, data }, block.number, signal),
    )
  }
  const bundles = chunks(calls, options.multicallCallsMax)
  const results = await mapBounded(bundles, options.requestsInFlightMax, async (bundle) =>
    decodeBundle(
      await provider.call(
        { to: options.multicall, data: encodeBundle(bundle, options.contract) },
        block.number,
        signal,
      ),
      bundle.length,
    ),
  )
  return results.flat()
}

function encodeBundle(calls: readonly Hex[], contract: Hex): Hex {
  // In capitals and small letters viem takes an address only with a right checksum (ERC-55), which nobody is asked for.
  const target = contract.toLowerCase() as Hex
  const args = calls.map((callData) => ({ target, allowFailure: false, callData }))
  return encodeFunctionData({ abi: multicall3Abi, functionName: 'aggregate3', args: [args] })
}

/** The results of Multicall3's aggregate3. Takes any bytes and throws nothing but StakingError. */
export function decodeBundle(data: Hex, count: number): readonly Hex[] {
  let results: readonly { success: boolean; returnData: Hex }[]
  try {
    results = decodeFunctionResult({ abi: multicall3Abi, functionName: 'aggregate3', data })
  } catch {
    throw malformed('the results of bundled calls')
  }
  if (results.length !== count || !results.every((result) => result.success)) throw malformed('a failed bundled call')
  return results.map((result) => result.returnData)
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}
