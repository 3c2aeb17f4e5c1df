import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import { type Findings, PEER_TESTS, type PeerTest } from '../protocol/peer-api/probe-report.ts'
import type { ServiceNodeContact, ServiceNodeKey } from '../protocol/service-node.ts'
import type { PeerTestsMetrics } from './metrics.ts'

/** How many made a test of this node, and for how many of them it fails. */
export interface TestStanding {
  readonly testers: number
  readonly failing: number
}

export type Standings = Readonly<Record<PeerTest, TestStanding>>

interface Opinion {
  readonly findings: Findings
  readonly heardAtMs: DurationMs
  /** The tester's own time, by which its reports are ordered. */
  readonly timestampMs: TimestampMs
}

/** One tester may be wrong, or lie. */
const TESTERS_MIN = 2

/** What other members say of this node: the newest of each. */
export class OwnStanding {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #metrics: Pick<PeerTestsMetrics, 'testers' | 'failingTesters'>
  readonly #memoryMs: DurationMs
  readonly #opinions = new Map<ServiceNodeKey, Opinion>()

  constructor(
    components: {
      readonly clock: Pick<Clock, 'monotonicMs'>
      readonly metrics: Pick<PeerTestsMetrics, 'testers' | 'failingTesters'>
    },
    { reportMemoryMs }: { readonly reportMemoryMs: DurationMs },
  ) {
    this.#clock = components.clock
    this.#metrics = components.metrics
    this.#memoryMs = reportMemoryMs
  }

  /** Takes what a tester found; false for what is no newer than what it found before. */
  note(tester: ServiceNodeKey, findings: Findings, timestampMs: TimestampMs): boolean {
    const before = this.#opinions.get(tester)
    if (before !== undefined && before.timestampMs >= timestampMs) return false
    this.#opinions.set(tester, { findings, heardAtMs: this.#clock.monotonicMs(), timestampMs })
    return true
  }

  heardAtMs(tester: ServiceNodeKey): DurationMs | undefined {
    return this.#opinions.get(tester)?.heardAtMs
  }

  /** Forgets what is too old, and what those say who are not members any more. */
  keep(members: ReadonlySet<ServiceNodeKey>): void {
    const sinceMs = this.#clock.monotonicMs() - this.#memoryMs
    for (const [tester, { heardAtMs }] of this.#opinions) {
      if (heardAtMs < sinceMs || !members.has(tester)) this.#opinions.delete(tester)
    }
    const standings = this.standings()
    for (const test of PEER_TESTS) {
      this.#metrics.testers.set(standings[test].testers, { test })
      this.#metrics.failingTesters.set(standings[test].failing, { test })
    }
  }

  standings(): Standings {
    const opinions = [...this.#opinions.values()]
    const standing = (test: PeerTest): TestStanding => {
      const findings = opinions.flatMap((opinion) => opinion.findings[test] ?? [])
      return { testers: findings.length, failing: findings.filter((finding) => finding === 'failed').length }
    }
    return { https: standing('https'), libp2p: standing('libp2p'), storage: standing('storage') }
  }
}

/** What most testers cannot do with this node, in sentences for its operator. */
export function standingTroubles(
  standings: Standings,
  own: Pick<ServiceNodeContact, 'httpsPort' | 'peerPort'> | undefined,
): readonly { readonly test: PeerTest; readonly sentence: string }[] {
  const remedy = 'open it in the firewall, forward it to this machine, and check publicIp'
  const port = (number: number | undefined) => (number === undefined ? 'its port' : `port ${number}`)
  const sentences: Readonly<Record<PeerTest, string>> = {
    https: `can't reach ${port(own?.httpsPort)} (HTTPS, for clients) of this node: ${remedy}`,
    libp2p: `can't reach ${port(own?.peerPort)} (libp2p, for service nodes) of this node: ${remedy}`,
    storage:
      'find that this node does not hold what its swarm holds: look for errors of the disk in its log and in the system; what is missing is fetched by itself',
  }
  return PEER_TESTS.filter((test) => isTrouble(standings[test])).map((test) => {
    const { testers, failing } = standings[test]
    return { test, sentence: `${failing} of ${testers} testers ${sentences[test]}` }
  })
}

function isTrouble({ testers, failing }: TestStanding): boolean {
  return testers >= TESTERS_MIN && failing * 2 > testers
}
