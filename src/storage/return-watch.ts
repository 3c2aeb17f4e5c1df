// Which messages that are not held may come back with an operation that arrives late and brings no data: theirs has to be kept.
import type { MessageState, StepOutcome } from './replay.ts'

type StoredAs = Pick<MessageState, 'namespace' | 'timestampMs'>

/**
 * Watches a replay. A message that was stored in one place, with one timestamp, and was then deleted, or replaced by a newer one,
 * only comes back with another store, which brings its data. Others may owe their absence to an operation that turns out to have come to nothing.
 */
export class ReturnWatch {
  readonly #stores = new Map<string, StoredAs>()
  readonly #uncertain = new Set<string>()

  stored(id: string, { namespace, timestampMs }: StoredAs, outcome: StepOutcome): void {
    const first = this.#stores.get(id)
    if (first === undefined) this.#stores.set(id, { namespace, timestampMs })
    // Removed by its namespace or timestamp, which may turn out to be another.
    else if (first.namespace !== namespace || first.timestampMs !== timestampMs) this.#uncertain.add(id)
    // Too old for its outbox, as long as the newer one is not deleted before.
    if (outcome === 'obsolete') this.#uncertain.add(id)
  }

  /** An older message took its outbox when it had ended; it may be extended before that. */
  outlived(id: string): void {
    this.#uncertain.add(id)
  }

  mayReturn(id: string): boolean {
    return this.#uncertain.has(id)
  }
}
