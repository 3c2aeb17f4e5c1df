import type { Clock, DurationMs } from '../base/clock.ts'
import { type Finding, type Findings, PEER_TESTS, type PeerTest } from '../protocol/peer-api/probe-report.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { PeerTestsMetrics } from './metrics.ts'
import type { PeerTestsOptions } from './options.ts'

export interface MemberVerdictsComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly metrics: Pick<PeerTestsMetrics, 'failing' | 'isInDoubt'>
}

type VerdictOptions = Pick<
  PeerTestsOptions,
  'failuresToSkip' | 'proofFailuresToCount' | 'retestMinMs' | 'retestMaxMs' | 'selfDoubtMembers' | 'selfDoubtMembersMin'
>

/** What a test of a member has come to. */
export interface TestResult {
  /** A failure counts only when it was repeated. */
  readonly state: 'passed' | 'failed' | 'untested'
  /** In a row; 0 when the last test passed. */
  readonly failures: number
  readonly agoMs: DurationMs | undefined
}

interface Verdict {
  /** In a row; 0 when the last test passed. */
  failures: number
  /** When the last test said something; undefined while none has. */
  testedAtMs: DurationMs | undefined
  /** When it was tried last, whether or not that said anything. */
  triedAtMs: DurationMs
  retestAtMs: DurationMs
}

/** What is tested over the wire; a member that fails one of them is of no use to clients. */
const REACHING = ['https', 'libp2p'] as const satisfies readonly PeerTest[]

/** What this node's own tests say of each member. One failure says nothing yet; failures in a row do. */
export class MemberVerdicts {
  readonly #components: MemberVerdictsComponents
  readonly #options: VerdictOptions
  readonly #verdicts = new Map<ServiceNodeKey, Map<PeerTest, Verdict>>()
  /** Whether the members that were tested last could be reached, oldest first: those whose turn it was, and no retests. */
  readonly #lately = new Map<ServiceNodeKey, boolean>()

  constructor(components: MemberVerdictsComponents, options: VerdictOptions) {
    this.#components = components
    this.#options = options
  }

  note(member: ServiceNodeKey, test: PeerTest, finding: Finding): void {
    const nowMs = this.#components.clock.monotonicMs()
    const verdicts = this.#verdicts.get(member) ?? new Map<PeerTest, Verdict>()
    const failures = finding === 'passed' ? 0 : (verdicts.get(test)?.failures ?? 0) + 1
    const retestAtMs = nowMs + this.#retestPauseMs(failures)
    verdicts.set(test, { failures, testedAtMs: nowMs, triedAtMs: nowMs, retestAtMs })
    this.#verdicts.set(member, verdicts)
    this.#measure()
  }

  /** A test that said nothing: it is not tried again before its time either. */
  tried(member: ServiceNodeKey, test: PeerTest): void {
    const nowMs = this.#components.clock.monotonicMs()
    const verdicts = this.#verdicts.get(member) ?? new Map<PeerTest, Verdict>()
    const { failures = 0, testedAtMs } = verdicts.get(test) ?? {}
    verdicts.set(test, { failures, testedAtMs, triedAtMs: nowMs, retestAtMs: nowMs + this.#retestPauseMs(failures) })
    this.#verdicts.set(member, verdicts)
  }

  /**
   * A test over the wire. Those of members whose turn it was tell how well this node reaches others; a retest, which only those that
   * failed have, merely corrects what is known of its member.
   */
  noteReached(member: ServiceNodeKey, isReached: boolean, isTurn: boolean): void {
    if (!isTurn && !this.#lately.has(member)) return
    if (isTurn) this.#lately.delete(member)
    this.#lately.set(member, isReached)
    const [oldest] = this.#lately.keys()
    if (this.#lately.size > this.#options.selfDoubtMembers && oldest !== undefined) this.#lately.delete(oldest)
    this.#measure()
  }

  /** Forgets who is not a member any more. */
  keep(members: ReadonlySet<ServiceNodeKey>): void {
    for (const key of this.#verdicts.keys()) if (!members.has(key)) this.#verdicts.delete(key)
    for (const key of this.#lately.keys()) if (!members.has(key)) this.#lately.delete(key)
    this.#measure()
  }

  /** Whether this node is more likely cut off than all those that it does not reach. */
  get isInDoubt(): boolean {
    const { selfDoubtMembersMin } = this.#options
    const unreached = [...this.#lately.values()].filter((isReached) => !isReached).length
    return this.#lately.size >= selfDoubtMembersMin && unreached * 2 > this.#lately.size
  }

  /** False only for who failed here repeatedly while most others did not. */
  isReachable(member: ServiceNodeKey): boolean {
    return this.isInDoubt || !REACHING.some((test) => this.#hasFailed(member, test))
  }

  /**
   * What is told about a member: of each test that was made since `sinceMs` what it has come to. A node that believes itself cut off
   * blames nobody.
   */
  findings(member: ServiceNodeKey, sinceMs: DurationMs): Findings {
    const verdicts = this.#verdicts.get(member)
    const told: { [Test in PeerTest]?: Finding } = {}
    for (const test of PEER_TESTS) {
      const verdict = verdicts?.get(test)
      if (verdict?.testedAtMs === undefined || verdict.testedAtMs < sinceMs) continue
      const hasFailed = this.#hasFailed(member, test)
      if (hasFailed && test !== 'storage' && this.isInDoubt) continue
      told[test] = hasFailed ? 'failed' : 'passed'
    }
    return told
  }

  triedAtMs(member: ServiceNodeKey, test: PeerTest): DurationMs | undefined {
    return this.#verdicts.get(member)?.get(test)?.triedAtMs
  }

  /** What each test of a member has come to so far. */
  results(member: ServiceNodeKey): Readonly<Record<PeerTest, TestResult>> {
    const result = (test: PeerTest): TestResult => {
      const verdict = this.#verdicts.get(member)?.get(test)
      if (verdict?.testedAtMs === undefined) return { state: 'untested', failures: 0, agoMs: undefined }
      const agoMs = this.#components.clock.monotonicMs() - verdict.testedAtMs
      return { state: this.#hasFailed(member, test) ? 'failed' : 'passed', failures: verdict.failures, agoMs }
    }
    return { https: result('https'), libp2p: result('libp2p'), storage: result('storage') }
  }

  /** Members whose failing test is to be repeated, those that wait longest first. */
  due(tests: readonly PeerTest[]): readonly ServiceNodeKey[] {
    const nowMs = this.#components.clock.monotonicMs()
    const due: { readonly member: ServiceNodeKey; readonly sinceMs: DurationMs }[] = []
    for (const [member, verdicts] of this.#verdicts) {
      const times = tests.flatMap((test) => {
        const verdict = verdicts.get(test)
        return verdict === undefined || verdict.failures === 0 ? [] : [verdict.retestAtMs]
      })
      const sinceMs = Math.min(...times)
      if (sinceMs <= nowMs) due.push({ member, sinceMs })
    }
    return due.sort((a, b) => a.sinceMs - b.sinceMs).map(({ member }) => member)
  }

  /** How many members fail each test. */
  failing(): Readonly<Record<PeerTest, number>> {
    const count = (test: PeerTest) => [...this.#verdicts.keys()].filter((key) => this.#hasFailed(key, test)).length
    return { https: count('https'), libp2p: count('libp2p'), storage: count('storage') }
  }

  #hasFailed(member: ServiceNodeKey, test: PeerTest): boolean {
    const { failuresToSkip, proofFailuresToCount } = this.#options
    const failures = this.#verdicts.get(member)?.get(test)?.failures ?? 0
    return failures >= (test === 'storage' ? proofFailuresToCount : failuresToSkip)
  }

  /** 10 s after the first failure, then 20 s, and so on. */
  #retestPauseMs(failures: number): DurationMs {
    const { retestMinMs, retestMaxMs } = this.#options
    return Math.min(retestMaxMs, retestMinMs * 2 ** Math.max(0, failures - 1))
  }

  #measure(): void {
    const failing = this.failing()
    for (const test of PEER_TESTS) this.#components.metrics.failing.set(failing[test], { test })
    this.#components.metrics.isInDoubt.set(this.isInDoubt ? 1 : 0)
  }
}
