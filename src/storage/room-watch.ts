import type { Logger } from '../base/logger.ts'
import type { StorageMetrics } from './metrics.ts'
import type { StorageOptions } from './options.ts'

type Level = 'ample' | 'low' | 'scarce' | 'none'

/** Shares of the bound below which an operator should act: a week's growth, as a rule, and a day's. */
const LOW = 0.1
const SCARCE = 0.05
const MEBIBYTE = 1024 * 1024

/**
 * Tells how much can still be stored, as what comes first allows: the bound of all messages that anyone may use, or the free space of the
 * disk. Shares are of that bound, so a disk that cannot hold what is configured is told of too.
 */
export class RoomWatch {
  readonly #components: { readonly log: Logger; readonly metrics: StorageMetrics }
  readonly #freeDiskMinBytes: number
  /** The rest is for authenticated namespaces only. */
  readonly #bytesMax: number
  #level: Level = 'ample'
  #roomBytes = 0

  constructor(
    components: { readonly log: Logger; readonly metrics: StorageMetrics },
    options: Pick<StorageOptions, 'freeDiskMinBytes' | 'totalBytesMax' | 'authenticatedReserve'>,
  ) {
    this.#components = components
    this.#freeDiskMinBytes = options.freeDiskMinBytes
    this.#bytesMax = options.totalBytesMax * (1 - options.authenticatedReserve)
  }

  look(freeBytes: number, heldBytes: number): void {
    const room = Math.min(this.#bytesMax - heldBytes, freeBytes - this.#freeDiskMinBytes)
    this.#roomBytes = Math.max(0, Math.floor(room))
    this.#components.metrics.room.set(this.#roomBytes)
    const level = levelOf(room, this.#bytesMax)
    if (level === this.#level) return
    this.#level = level
    const facts = { roomBytes: this.#roomBytes, boundBytes: this.#bytesMax, freeBytes }
    if (level === 'ample') this.#components.log.info(facts, 'There is plenty of room for messages again')
    else this.#components.log.warn(facts, this.shortage() ?? '')
  }

  shortage(): string | undefined {
    switch (this.#level) {
      case 'ample':
        return undefined
      case 'none':
        return `There is no room for new messages: they are refused, while reads and deletions go on. ${REMEDY}`
      default:
        return `Room for messages is ${this.#level}: ${Math.floor(this.#roomBytes / MEBIBYTE)} MiB of ${Math.floor(this.#bytesMax / MEBIBYTE)} MiB are left. ${REMEDY}`
    }
  }
}

const REMEDY = 'Free space on the disk, or give a larger disk and a larger storage.totalBytesMax'

function levelOf(roomBytes: number, bytesMax: number): Level {
  if (roomBytes <= 0) return 'none'
  if (roomBytes < bytesMax * SCARCE) return 'scarce'
  return roomBytes < bytesMax * LOW ? 'low' : 'ample'
}
