import type { Clock, DurationMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { ContentsMetrics, WrongReason } from './contents-metrics.ts'
import type { ComparingOptions } from './options.ts'

export interface ContentsConductComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly log: Logger
  readonly metrics: ContentsMetrics
}

/** More members than the swarms of two epochs have; the longest known gives way. */
const MEMBERS_MAX = 256

interface History {
  /** When it gave wrong things, as far back as it matters. */
  wrongAtMs: DurationMs[]
  ignoredUntilMs: DurationMs
}

/**
 * Remembers who gave wrong things. Each is refused by itself; but each costs a look, so a member that goes on is not listened to for a
 * while. An honest member gives none, even one of an older version or with a full disk.
 */
export class ContentsConduct {
  readonly #components: ContentsConductComponents
  readonly #options: Pick<ComparingOptions, 'wrongMax' | 'wrongMemoryMs' | 'ignoredMs'>
  readonly #records = new Map<ServiceNodeKey, History>()

  constructor(
    components: ContentsConductComponents,
    options: Pick<ComparingOptions, 'wrongMax' | 'wrongMemoryMs' | 'ignoredMs'>,
  ) {
    this.#components = components
    this.#options = options
  }

  ignores(member: ServiceNodeKey): boolean {
    return (this.#records.get(member)?.ignoredUntilMs ?? 0) > this.#components.clock.monotonicMs()
  }

  /** Members that are ignored now. */
  get ignored(): number {
    return [...this.#records.keys()].filter((member) => this.ignores(member)).length
  }

  wrong(member: ServiceNodeKey, reason: WrongReason): void {
    const { clock, log, metrics } = this.#components
    const { wrongMax, wrongMemoryMs, ignoredMs } = this.#options
    metrics.wrong.inc({ reason })
    const nowMs = clock.monotonicMs()
    const record = this.#recordOf(member)
    record.wrongAtMs = [...record.wrongAtMs, nowMs].filter((ms) => ms > nowMs - wrongMemoryMs).slice(-wrongMax)
    if (record.wrongAtMs.length < wrongMax || this.ignores(member)) return
    record.ignoredUntilMs = nowMs + ignoredMs
    record.wrongAtMs = []
    metrics.ignoredMembers.set(this.ignored)
    log.warn({ reason }, 'A member of our swarm gives wrong things and is ignored for a while')
    log.debug({ member }, 'This is the member')
  }

  #recordOf(member: ServiceNodeKey): History {
    const known = this.#records.get(member)
    if (known !== undefined) return known
    const [oldest] = this.#records.keys()
    if (this.#records.size >= MEMBERS_MAX && oldest !== undefined) this.#records.delete(oldest)
    const record = { wrongAtMs: [], ignoredUntilMs: 0 }
    this.#records.set(member, record)
    return record
  }
}
