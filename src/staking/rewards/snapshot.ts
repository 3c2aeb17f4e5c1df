import { assert } from '../../base/assert.ts'
import { toHex } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import { sha256 } from '../../crypto/hash.ts'
import type { Hex } from '../chain-reply.ts'
import type { StakingErrorCode } from '../errors.ts'

/** What every address has earned in its lifetime at the end of a period. All nodes compute the same (docs/staking.md, "Rewards"). */
export interface RewardsSnapshot {
  /** The period. */
  readonly index: number
  /** The last finalized block with a timestamp at or before the period's end. */
  readonly blockNumber: bigint
  /** 0x and 64 lower-case hex digits. */
  readonly blockHash: Hex
  /** Lifetime totals by address (0x and 40 lower-case hex digits); nobody is listed with nothing. */
  readonly totals: ReadonlyMap<Hex, bigint>
  /** 64 hex digits; equal roots mean equal totals. */
  readonly root: string
}

/** One address in a snapshot. */
export interface RewardsTotal {
  readonly index: number
  readonly blockNumber: bigint
  readonly root: string
  /** Zero for an address that has earned nothing. */
  readonly totalAtomic: bigint
}

/** Why nobody should sign by this ledger: it differs from the contract's list, or from too many other nodes' ledgers. */
export type RewardsDissent = 'contract' | 'records'

export interface RewardsStatus {
  /** The period of the newest snapshot. */
  readonly index: number | undefined
  readonly root: string | undefined
  /** The block of the newest snapshot. */
  readonly snapshotBlock: number | undefined
  /** The last block whose logs are in the ledger. */
  readonly block: number | undefined
  /** The newest finalized block at the last look at the chain. */
  readonly finalizedBlock: number | undefined
  readonly members: number | undefined
  readonly dissent: RewardsDissent | undefined
  /** When the ledger's members were last compared with the contract's list and found equal. */
  readonly reconciledAtMs: TimestampMs | undefined
  /** Why the last look at the chain failed; undefined when it did not. */
  readonly lastError: StakingErrorCode | undefined
}

/** Lifetime totals of rewards and returned stakes, computed from the contract's logs alone. */
export interface RewardsLedger extends AsyncDisposable {
  /** Undefined until the logs up to now have been read; from disk after a restart. */
  current(): RewardsSnapshot | undefined
  /** The snapshot before the current one, for requests made while a period ends; undefined after a restart. */
  previous(): RewardsSnapshot | undefined
  /** Undefined while there is no snapshot. The address may be in capitals or small letters. */
  total(address: string): RewardsTotal | undefined
  /** True while the ledger is known to be in doubt: reward balances must not be signed then. */
  disagrees(): boolean
  /** Calls the listener for each new snapshot. Returns what ends that. */
  onSnapshot(listener: (snapshot: RewardsSnapshot) => void): () => void
  status(): RewardsStatus
  /** Looks at the chain now, or joins the look under way. */
  refresh(): Promise<void>
}

/** SHA-256 over (address 20 | total u256 big-endian), ascending by address, 64 hex digits. */
export function rewardsRoot(totals: ReadonlyMap<Hex, bigint>): string {
  const bytes = Buffer.alloc(totals.size * ENTRY_BYTES)
  for (const [index, address] of [...totals.keys()].sort().entries()) {
    const total = totals.get(address) ?? 0n
    assert(total > 0n && total < TOTAL_LIMIT, 'A total is positive and fits 256 bits')
    const entry = address.slice(2) + total.toString(16).padStart(64, '0')
    const written = bytes.write(entry, index * ENTRY_BYTES, 'hex')
    assert(written === ENTRY_BYTES, 'An address has 20 bytes')
  }
  return toHex(sha256(bytes))
}

const ENTRY_BYTES = 20 + 32
/** Totals beyond this do not fit the contract's integers. */
export const TOTAL_LIMIT: bigint = 1n << 256n
