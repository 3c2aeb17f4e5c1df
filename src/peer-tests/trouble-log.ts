import type { Logger } from '../base/logger.ts'

/** Says once that something is wrong, and once that it is over; the status tells it meanwhile. */
export class TroubleLog {
  readonly #log: Logger
  /** What is wrong, and how badly. */
  readonly #told = new Map<string, string>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** The sentence may change without being said anew: it has numbers in it. Another degree is said. */
  note(what: string, sentence: string | undefined, degree = 'warning'): void {
    const before = this.#told.get(what)
    if (sentence === undefined) {
      if (this.#told.delete(what))
        this.#log.info({ what }, 'The trouble that tests with other service nodes had shown is over')
      return
    }
    this.#told.set(what, degree)
    if (before !== degree)
      this.#log.warn({ what, trouble: sentence }, 'Tests with other service nodes show that something is wrong')
  }
}
