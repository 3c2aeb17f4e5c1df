import type { Clock, DurationMs } from '../base/clock.ts'
import type { Member, MembershipEpoch } from '../protocol/service-node.ts'
import type { ChainProvider } from './chain-provider.ts'
import type { ChainBlock } from './chain-reply.ts'
import { findEpochBlock } from './epoch-block.ts'
import { boundaryS } from './epochs.ts'
import { readMemberList, requireUnchanged } from './member-list.ts'
import { memberRoot } from './member-root.ts'
import { changedMembers } from './membership-logs.ts'
import type { StakingOptions } from './options.ts'

export type EpochReaderOptions = Pick<
  StakingOptions,
  | 'contract'
  | 'epochLengthS'
  | 'fullReadIntervalMs'
  | 'logPageBlocks'
  | 'logPagesMax'
  | 'membersMax'
  | 'multicall'
  | 'multicallCallsMax'
  | 'requestsInFlightMax'
>

/** Epochs as a single provider tells them. */
export interface EpochReader {
  /** `head` is a finalized block of this provider with a timestamp after the epoch's boundary. */
  read(index: number, head: ChainBlock, signal: AbortSignal): Promise<MembershipEpoch>
  /** Carries nothing over to the next epoch: what this provider said before is in doubt. */
  forget(): void
}

interface Reading {
  readonly block: ChainBlock
  readonly members: readonly Member[]
  readonly root: string
  /** When the whole list was last read from state and nothing of it carried over. */
  readonly readAtMs: DurationMs
}

export function createEpochReader(
  provider: ChainProvider,
  { clock }: { clock: Clock },
  options: EpochReaderOptions,
): EpochReader {
  let last: Reading | undefined

  /** The last reading, unless final blocks have changed since: then nothing of it is the chain's any more. */
  const stillOnChain = async (signal: AbortSignal): Promise<Reading | undefined> => {
    if (last !== undefined && (await provider.block(last.block.number, signal))?.hash !== last.block.hash)
      last = undefined
    return last
  }

  /** A list that was read already, but for the members that the provider's logs name. Undefined when they do not suffice. */
  const carriedOver = async (known: Reading, block: ChainBlock, signal: AbortSignal): Promise<Reading | undefined> => {
    if (clock.monotonicMs() - known.readAtMs >= options.fullReadIntervalMs) return undefined
    const [older, newer] = block.number < known.block.number ? [block, known.block] : [known.block, block]
    const range = { from: older.number + 1n, to: newer.number }
    const changed = await changedMembers(provider, range, options, signal)
    if (changed === undefined) return undefined
    if (changed.size === 0) {
      await requireUnchanged(provider, block, signal)
      return { ...known, block }
    }
    const unchanged = known.members.filter(({ id }) => !changed.has(id))
    const members = await readMemberList(provider, block, options, signal, unchanged)
    return { block, members, root: memberRoot(members), readAtMs: known.readAtMs }
  }

  const readAnew = async (block: ChainBlock, signal: AbortSignal): Promise<Reading> => {
    const members = await readMemberList(provider, block, options, signal)
    return { block, members, root: memberRoot(members), readAtMs: clock.monotonicMs() }
  }

  return {
    async read(index, head, signal) {
      const known = await stillOnChain(signal)
      const place = { head, near: known?.block }
      const block = await findEpochBlock(provider, boundaryS(index, options.epochLengthS), place, signal)
      const reading =
        (known === undefined ? undefined : await carriedOver(known, block, signal)) ?? (await readAnew(block, signal))
      // Epochs are sometimes read backwards; the newest block is the best place to go on from.
      if (last === undefined || block.number >= last.block.number) last = reading
      return {
        index,
        blockNumber: block.number,
        blockHash: block.hash,
        blockTimestampS: block.timestampS,
        members: reading.members,
        root: reading.root,
      }
    },
    forget() {
      last = undefined
    },
  }
}
