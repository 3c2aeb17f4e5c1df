import type { Clock, TimestampMs } from '../base/clock.ts'
import type { Member, MembershipEpoch } from '../protocol/service-node.ts'
import type { ChainProvider } from './chain-provider.ts'
import type { ChainBlock } from './chain-reply.ts'
import { findEpochBlock } from './epoch-block.ts'
import { boundaryS } from './epochs.ts'
import { readMemberList, requireUnchanged } from './member-list.ts'
import { memberRoot } from './member-root.ts'
import { mayHaveChanged } from './membership-logs.ts'
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
  /** When the list was last read from state and not carried over. */
  readonly readAtMs: TimestampMs
}

export function createEpochReader(
  provider: ChainProvider,
  { clock }: { clock: Clock },
  options: EpochReaderOptions,
): EpochReader {
  let last: Reading | undefined

  /** The last list, when the provider's logs say that it holds at `block` too. */
  const carriedOver = async (block: ChainBlock, signal: AbortSignal): Promise<Reading | undefined> => {
    if (last === undefined || clock.nowMs() - last.readAtMs >= options.fullReadIntervalMs) return undefined
    const [older, newer] = block.number < last.block.number ? [block, last.block] : [last.block, block]
    if ((await provider.block(last.block.number, signal))?.hash !== last.block.hash) return undefined
    const range = { from: older.number + 1n, to: newer.number }
    if (await mayHaveChanged(provider, range, options, signal)) return undefined
    await requireUnchanged(provider, block, signal)
    return { ...last, block }
  }

  const readAnew = async (block: ChainBlock, signal: AbortSignal): Promise<Reading> => {
    const members = await readMemberList(provider, block, options, signal)
    return { block, members, root: memberRoot(members), readAtMs: clock.nowMs() }
  }

  return {
    async read(index, head, signal) {
      const place = { head, near: last?.block }
      const block = await findEpochBlock(provider, boundaryS(index, options.epochLengthS), place, signal)
      const reading = (await carriedOver(block, signal)) ?? (await readAnew(block, signal))
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
