import { RpcError } from './errors.ts'

/** What clients are told when there is no room for their request. */
export function serverBusy(): RpcError {
  return new RpcError('SERVER_BUSY', 'Server busy, try again later')
}

/** What one request holds of a budget. Disposal gives it back. */
export interface MemoryShare extends Disposable {
  /** @throws {RpcError} SERVER_BUSY when the budget is used up by shares that are not given up */
  take(bytes: number): void
  /** From now on this share is not given up for others. */
  pin(): void
}

/**
 * Bounds the bytes that requests hold together. When there are too many, requests that wait for their client give up theirs,
 * the one under way the longest first: whoever holds memory by being slow loses it, and not whoever comes next.
 */
export class MemoryBudget {
  readonly #maxBytes: number
  #heldBytes = 0
  /** How shares are told to give up, the oldest first. */
  readonly #givers = new Map<MemoryShare, () => void>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** `giveUp` is called when others need the bytes, which count as given back then. Without it they are held for good. */
  open(giveUp?: () => void): MemoryShare {
    let heldBytes = 0
    let isClosed = false
    const close = () => {
      if (isClosed) return
      isClosed = true
      this.#heldBytes -= heldBytes
      this.#givers.delete(share)
    }
    const share: MemoryShare = {
      take: (bytes) => {
        if (isClosed) return
        heldBytes += bytes
        this.#heldBytes += bytes
        this.#makeRoom()
      },
      pin: () => void this.#givers.delete(share),
      [Symbol.dispose]: close,
    }
    if (giveUp !== undefined) {
      this.#givers.set(share, () => {
        close()
        giveUp()
      })
    }
    return share
  }

  #makeRoom(): void {
    for (const giveUp of this.#givers.values()) {
      if (this.#heldBytes <= this.#maxBytes) return
      giveUp()
    }
    if (this.#heldBytes > this.#maxBytes) throw serverBusy()
  }
}
