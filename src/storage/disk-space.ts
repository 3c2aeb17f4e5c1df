import { statfs } from 'node:fs/promises'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import type { Timers } from '../base/timers.ts'
import type { StorageMetrics } from './metrics.ts'
import type { StorageOptions } from './options.ts'
import { RoomWatch } from './room-watch.ts'

/** Tells the free bytes of the disk that holds a path. */
export type FreeDiskBytes = (path: string) => Promise<number>

export interface DiskSpaceComponents {
  log: Logger
  metrics: StorageMetrics
  timers: Timers
  freeDiskBytes?: FreeDiskBytes | undefined
  /** What is held counts as. */
  heldBytes: () => number
}

export type DiskSpaceOptions = Pick<
  StorageOptions,
  'path' | 'freeDiskMinBytes' | 'freeDiskIntervalMs' | 'totalBytesMax' | 'authenticatedReserve'
>

export interface DiskSpace extends AsyncDisposable {
  /** Whether there is too little room for new messages. */
  isFull(): boolean
  /** What an operator should know of the room that is left, or undefined while there is plenty. */
  shortage(): string | undefined
}

/** Bytes that an unprivileged process may still write. */
export const freeDiskBytesOf: FreeDiskBytes = async (path) => {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

/**
 * Looks at the free space now and then, so that storing stops while LevelDB can still write deletions and compact. A write
 * that fails for want of space could only be repaired by a restart.
 */
export async function createDiskSpace(
  { log, metrics, timers, freeDiskBytes = freeDiskBytesOf, heldBytes }: DiskSpaceComponents,
  options: DiskSpaceOptions,
): Promise<DiskSpace> {
  const { path, freeDiskMinBytes, freeDiskIntervalMs } = options
  const room = new RoomWatch({ log, metrics }, options)
  let isFull = false
  const look = async () => {
    const freeBytes = await freeDiskBytes(path)
    metrics.freeDisk.set(freeBytes)
    const wasFull = isFull
    isFull = freeBytes < freeDiskMinBytes
    room.look(freeBytes, heldBytes())
    if (isFull && !wasFull)
      log.error({ freeBytes, freeDiskMinBytes }, 'The disk is nearly full; new messages are refused')
    if (wasFull && !isFull) log.info({ freeBytes }, 'The disk has room again; new messages are stored')
  }
  await look()
  const periodic = createPeriodic(
    { log, timers },
    { intervalMs: freeDiskIntervalMs, sentence: 'The free space of the disk could not be read' },
    look,
  )
  return {
    isFull: () => isFull,
    shortage: () => room.shortage(),
    [Symbol.asyncDispose]: () => periodic[Symbol.asyncDispose](),
  }
}
