import { type DurationMs, HOUR, MINUTE, SECOND } from '../base/clock.ts'

export interface PeerTestsOptions {
  /** Pause between two tests of random members. All members together test each one about as often. */
  intervalMs: DurationMs
  /** Pause between two tests of a member of the own swarm. */
  swarmIntervalMs: DurationMs
  /** Pause between two storage proofs of a member of the own swarm. */
  proofIntervalMs: DurationMs
  /** Members tested at once. */
  inFlightMax: number
  /** How long a member has for each test. */
  timeoutMs: DurationMs
  /** First and longest pause until a failing member is tested again; it doubles in between. */
  retestMinMs: DurationMs
  retestMaxMs: DurationMs
  /** Failing members retested at each turn; others wait, so that a network that is half gone costs no more. */
  retestsPerTurn: number
  /** Failures in a row that make a member unreachable from here: one may be the wire's. */
  failuresToSkip: number
  /** Failures of the storage proof in a row that count: until then, comparing may have brought both to hold the same. */
  proofFailuresToCount: number
  /** How long a member may say that it cannot prove anything now: joining a full swarm takes a while. */
  proofRefusalsMaxMs: DurationMs
  /** Members of the last tests that tell whether this node itself is cut off: more than half of them fail then. */
  selfDoubtMembers: number
  /** Fewer members tell nothing about this node. */
  selfDoubtMembersMin: number

  /** Proofs that are worked on at once; each reads what it is over. */
  proofAnswersMax: number
  /** Pause between two proofs that one member may ask for, on average. */
  proofAnswerIntervalMs: DurationMs

  /** How often a report of what was found is signed and sent to those whom it is about. */
  reportIntervalMs: DurationMs
  /** How long another's report counts. */
  reportMemoryMs: DurationMs

  /** How far this node's clock may be off until the operator is told. */
  clockWarnMs: DurationMs
  /** How far it may be off until this node does not serve. */
  clockUnreadyMs: DurationMs
  /** Members whose clocks are remembered. */
  clockSamplesMax: number
  /** Fewer clocks tell nothing. */
  clockSamplesMin: number
  /** How long a member's clock counts. */
  clockMemoryMs: DurationMs
  /** An answer that took longer says too little about the time. */
  clockRoundTripMaxMs: DurationMs
}

export const defaultPeerTestsOptions: PeerTestsOptions = {
  intervalMs: 10 * SECOND,
  swarmIntervalMs: MINUTE,
  proofIntervalMs: 5 * MINUTE,
  inFlightMax: 8,
  // What a client gives a guard before it takes another.
  timeoutMs: 5 * SECOND,
  retestMinMs: 10 * SECOND,
  retestMaxMs: 10 * MINUTE,
  retestsPerTurn: 4,
  failuresToSkip: 2,
  // 10 + 20 + 40 + 80 s: two and a half minutes, in which members compare thirty times.
  proofFailuresToCount: 5,
  proofRefusalsMaxMs: HOUR,
  selfDoubtMembers: 20,
  selfDoubtMembersMin: 3,

  proofAnswersMax: 2,
  // The other members of a swarm ask once in five minutes, and twice as often while they doubt.
  proofAnswerIntervalMs: 5 * SECOND,

  reportIntervalMs: 10 * MINUTE,
  // A report may be lost: the next one is there in time.
  reportMemoryMs: 25 * MINUTE,

  clockWarnMs: 30 * SECOND,
  clockUnreadyMs: 2 * MINUTE,
  clockSamplesMax: 64,
  clockSamplesMin: 3,
  // A clock that is as good as quartz is not off by a tenth of a second then.
  clockMemoryMs: HOUR,
  clockRoundTripMaxMs: 5 * SECOND,
}
