import { type DurationMs, MINUTE, SECOND } from '../base/clock.ts'

const MIB = 1024 * 1024

export interface StorageOptions {
  /** Folder of the message database. Made, readable by its owner only, when it is missing. */
  path: string
  /** Messages that one account may have; a store beyond it is answered with `full`. */
  accountMessagesMax: number
  /** Bytes of data that one account may have. */
  accountBytesMax: number
  /**
   * Deleted messages, and operations on unknown ones, that an account may have remembered; of more, members that heard of them in
   * another order may differ. As many as the messages, since all of them may be deleted at once.
   */
  accountTombstonesMax: number
  /** Bytes of all accounts together, data and an allowance for each message's keys. */
  totalBytesMax: number
  /** Share of each of these bounds that only authenticated namespaces may use, 0..1: anyone may fill a public inbox. */
  authenticatedReserve: number
  /** Accounts that may have revoked subaccounts; another one is refused as full. Each takes up to 2.2 KB. */
  revocationListsMax: number
  /** Requests that may wait for one peer that cannot be told; it gets what is beyond by comparing contents. */
  peerHintsMax: number
  /** Bytes of these. */
  peerHintBytesMax: number
  /** Bytes of requests that wait for all peers together. */
  hintBytesMax: number
  /** Free bytes of the disk below which nothing new is stored, so that deletes and compaction still have room. */
  freeDiskMinBytes: number
  /** How often the free space of the disk is looked at. */
  freeDiskIntervalMs: DurationMs
  /** Operations that may wait for the writer; more are refused as busy. */
  queuedOperationsMax: number
  /** Bytes of data that may wait for the writer. */
  queuedBytesMax: number
  /** Records in one batch: bounds the work between two turns of the event loop. */
  batchRecordsMax: number
  /** Bytes in one batch. */
  batchBytesMax: number
  /** How often expired messages are swept. */
  sweepIntervalMs: DurationMs
  /** How far the wall clock may run ahead of the monotonic one before sweeping stops believing it. */
  clockJumpToleranceMs: DurationMs
  /** How long a forward jump of the wall clock has to last before sweeping believes it. */
  clockJumpHoldMs: DurationMs
  /** Bytes a second that a backup of a running node reads and writes: a third of what a common solid-state disk bears beside stores. */
  backupBytesPerSecondMax: number
  /** LevelDB's cache of blocks. */
  cacheBytes: number
  /** LevelDB's write buffer; up to two are in memory. */
  writeBufferBytes: number
  /** Table files of 2 MiB that LevelDB keeps open, and mapped into memory: what is read of them counts as resident. */
  openFilesMax: number
}

export const defaultStorageOptions: StorageOptions = {
  path: 'data/messages',
  accountMessagesMax: 20_000,
  accountBytesMax: 128 * MIB,
  accountTombstonesMax: 20_000,
  totalBytesMax: 10 * 1024 * MIB,
  authenticatedReserve: 0.1,
  revocationListsMax: 500_000,
  peerHintsMax: 100_000,
  peerHintBytesMax: 64 * MIB,
  hintBytesMax: 256 * MIB,
  freeDiskMinBytes: 512 * MIB,
  freeDiskIntervalMs: 5 * SECOND,
  queuedOperationsMax: 4_096,
  queuedBytesMax: 64 * MIB,
  batchRecordsMax: 512,
  batchBytesMax: 2 * MIB,
  sweepIntervalMs: MINUTE,
  clockJumpToleranceMs: 2 * MINUTE,
  clockJumpHoldMs: 60 * MINUTE,
  backupBytesPerSecondMax: 32 * MIB,
  cacheBytes: 16 * MIB,
  writeBufferBytes: 16 * MIB,
  openFilesMax: 256,
}
