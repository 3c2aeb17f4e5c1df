import { toHex, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../crypto/hash.ts'
import type { ChainProvider } from '../chain-provider.ts'
import type { ChainBlock, Hex } from '../chain-reply.ts'
import { ALL_IDS_CALL, decodeMemberIds, type MemberId } from '../member-codec.ts'
import { requireUnchanged } from '../member-list.ts'

/** The contract's own list in the state after `block`. @throws {StakingError} PROVIDER_…, MEMBERS_TOO_MANY */
export async function readContractIds(
  provider: ChainProvider,
  block: Pick<ChainBlock, 'number' | 'hash'>,
  { contract, membersMax }: { contract: Hex; membersMax: number },
  signal: AbortSignal,
): Promise<readonly MemberId[]> {
  const data = await provider.call({ to: contract, data: ALL_IDS_CALL }, block.number, signal)
  const ids = decodeMemberIds(data, membersMax)
  await requireUnchanged(provider, block, signal)
  return ids
}

/** Equal digests mean the same ids with the same BLS keys, in whatever order they come. */
export function idsDigest(members: readonly MemberId[]): string {
  const lines = members.map(({ id, bls }) => `${id.toString(16).padStart(16, '0')} ${bls}`).sort()
  return toHex(sha256(utf8(lines.join('\n'))))
}
