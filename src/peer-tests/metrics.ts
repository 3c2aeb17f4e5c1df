import type { MetricsRegister } from '../base/metrics.ts'
import type { PeerTest } from '../protocol/peer-api/probe-report.ts'

/** How one test of one member ended. */
export type PeerTestOutcome =
  | 'passed'
  | 'failed'
  /** It could not be tested now: it is joining, or nothing is held that both must have. */
  | 'untested'
/** What became of a report. */
export type ReportOutcome =
  | 'sent'
  /** Its member did not take it, or could not be reached. */
  | 'not-sent'
  | 'received'
  /** Not signed by who sent it, older than the one before, or broken. */
  | 'refused'
/** How an answer to a storage challenge ended. */
export type ProofAnswerOutcome = 'answered' | 'not-now' | 'other-range'

export type PeerTestsMetrics = ReturnType<typeof createPeerTestsMetrics>

export function createPeerTestsMetrics(register: MetricsRegister) {
  return {
    tests: register.counter<{ test: PeerTest; outcome: PeerTestOutcome }>({
      name: 'starling_peer_tests_tests_total',
      help: 'Tests of other members by outcome',
      labelNames: ['test', 'outcome'],
    }),
    failing: register.gauge<{ test: PeerTest }>({
      name: 'starling_peer_tests_failing_members',
      help: 'Members that failed the last tests from here',
      labelNames: ['test'],
    }),
    isInDoubt: register.gauge({
      name: 'starling_peer_tests_self_doubt',
      help: '1 while this node cannot reach more than half of the members it tests, and so believes itself cut off',
    }),
    testers: register.gauge<{ test: PeerTest }>({
      name: 'starling_peer_tests_testers',
      help: 'Members that tested this node lately and said so',
      labelNames: ['test'],
    }),
    failingTesters: register.gauge<{ test: PeerTest }>({
      name: 'starling_peer_tests_failing_testers',
      help: 'Those of them whose tests of this node fail',
      labelNames: ['test'],
    }),
    reports: register.counter<{ outcome: ReportOutcome }>({
      name: 'starling_peer_tests_reports_total',
      help: 'Reports about tests by what became of them',
      labelNames: ['outcome'],
    }),
    proofs: register.counter<{ outcome: ProofAnswerOutcome }>({
      name: 'starling_peer_tests_proofs_total',
      help: 'Storage proofs that other members asked this node for',
      labelNames: ['outcome'],
    }),
    clockOffset: register.gauge({
      name: 'starling_peer_tests_clock_offset_seconds',
      help: 'How far the wall clock is ahead of what other members and the chain say; 0 while it cannot be told',
    }),
    clockSamples: register.gauge({
      name: 'starling_peer_tests_clock_samples',
      help: 'Members whose clocks are compared with',
    }),
  }
}
