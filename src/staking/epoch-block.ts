import type { ChainProvider } from './chain-provider.ts'
import type { ChainBlock } from './chain-reply.ts'
import { StakingError } from './errors.ts'

/** Interpolation and bisection take turns, so a range of 2^64 blocks needs at most twice 64 steps. */
const STEPS_MAX = 128
/** How far back the first look goes when nothing is known yet; doubled until the boundary is passed. */
const FIRST_STRIDE = 256n

/**
 * The last block with a timestamp at or before `boundaryS`, sought below `head`, a block with a later timestamp. `near` is a block
 * seen before, if any: where blocks come regularly, a few looks suffice.
 * @throws {StakingError} EPOCH_UNKNOWN, PROVIDER_…
 */
export async function findEpochBlock(
  provider: ChainProvider,
  boundaryS: bigint,
  { head, near }: { head: ChainBlock; near?: ChainBlock | undefined },
  signal: AbortSignal,
): Promise<ChainBlock> {
  if (head.timestampS <= boundaryS) throw unknownEpoch('The boundary of the epoch is not final yet')
  const look = (number: bigint) => existingBlock(provider, number, signal)
  let { low, high } = await startingRange(boundaryS, head, near, look)
  for (let step = 0; high.number - low.number > 1n; step++) {
    if (step >= STEPS_MAX) throw inconsistent(provider)
    const middle = await look(step % 2 === 0 ? interpolated(low, high, boundaryS) : (low.number + high.number) / 2n)
    if (middle.timestampS < low.timestampS || middle.timestampS > high.timestampS) throw inconsistent(provider)
    if (middle.timestampS <= boundaryS) low = middle
    else high = middle
  }
  if (high.parentHash !== low.hash) throw inconsistent(provider)
  return low
}

/** Two blocks with low.timestamp <= boundary < high.timestamp. */
async function startingRange(
  boundaryS: bigint,
  head: ChainBlock,
  near: ChainBlock | undefined,
  look: (number: bigint) => Promise<ChainBlock>,
): Promise<{ low: ChainBlock; high: ChainBlock }> {
  if (near !== undefined && near.number < head.number && near.timestampS <= boundaryS) return { low: near, high: head }
  let high = head
  for (let stride = FIRST_STRIDE; ; stride *= 2n) {
    const low = await look(high.number > stride ? high.number - stride : 0n)
    if (low.timestampS <= boundaryS) return { low, high }
    if (low.number === 0n) throw unknownEpoch('The boundary of the epoch is older than the chain')
    high = low
  }
}

/** Where the boundary would be if blocks came evenly, strictly between the two. */
function interpolated(low: ChainBlock, high: ChainBlock, boundaryS: bigint): bigint {
  const blocks = high.number - low.number
  const seconds = high.timestampS - low.timestampS
  const guess = low.number + (blocks * (boundaryS - low.timestampS)) / seconds
  if (guess <= low.number) return low.number + 1n
  return guess >= high.number ? high.number - 1n : guess
}

/** @throws {StakingError} PROVIDER_INCONSISTENT: it told of later blocks */
export async function existingBlock(provider: ChainProvider, number: bigint, signal: AbortSignal): Promise<ChainBlock> {
  const block = await provider.block(number, signal)
  if (block === undefined) throw inconsistent(provider)
  return block
}

function unknownEpoch(message: string): StakingError {
  return new StakingError('EPOCH_UNKNOWN', message)
}

export function inconsistent(provider: ChainProvider): StakingError {
  return new StakingError('PROVIDER_INCONSISTENT', `The provider's blocks contradict one another (${provider.host})`, {
    details: { host: provider.host },
  })
}
