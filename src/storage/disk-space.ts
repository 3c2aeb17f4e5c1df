import { statfs } from 'node:fs/promises'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import type { Timers } from '../base/timers.ts'
import type { StorageMetrics } from './metrics.ts'
import type { StorageOptions } from './options.ts'

/** Tells the free bytes of the disk that holds a path. */
export type FreeDiskBytes = (path: string) => Promise<number>

export interface DiskSpaceComponents {
  log: Logger
  metrics: StorageMetrics
  timers: Timers
  freeDiskBytes?: FreeDiskBytes | undefined
}

export interface DiskSpace extends AsyncDisposable {
  /** Whether there is too little room for new messages. */
  isFull(): boolean
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
  { log, metrics, timers, freeDiskBytes = freeDiskBytesOf }: DiskSpaceComponents,
  {
    path,
    freeDiskMinBytes,
    freeDiskIntervalMs,
  }: Pick<StorageOptions, 'path' | 'freeDiskMinBytes' | 'freeDiskIntervalMs'>,
): Promise<DiskSpace> {
  let isFull = false
  const look = async () => {
    const freeBytes = await freeDiskBytes(path)
    metrics.freeDisk.set(freeBytes)
    const wasFull = isFull
    isFull = freeBytes < freeDiskMinBytes
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
    [Symbol.asyncDispose]: () => periodic[Symbol.asyncDispose](),
  }
}
