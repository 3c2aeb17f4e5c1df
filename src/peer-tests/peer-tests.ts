import { type Clock, type DurationMs, MINUTE, type TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { PeerTest } from '../protocol/peer-api/probe-report.ts'
import type { Member, MembershipEpoch, ServiceNodeContact, ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { ClockOffset, type ClockStatus } from './clock-offset.ts'
import { type ClockTrouble, clockTrouble } from './clock-trouble.ts'
import { type MemberAnswer, MemberAnswers } from './member-answers.ts'
import { MemberTester } from './member-tester.ts'
import { MemberVerdicts, type TestResult } from './member-verdicts.ts'
import type { PeerTestsMetrics } from './metrics.ts'
import type { PeerTestsOptions } from './options.ts'
import { OwnStanding, type Standings, standingTroubles } from './own-standing.ts'
import { ProbeResponder } from './probe-responder.ts'
import { Prober } from './prober.ts'
import { Reports } from './reports.ts'
import type { HeldContents } from './storage-proof.ts'
import { chooseTests } from './test-choice.ts'
import { TroubleLog } from './trouble-log.ts'

export interface PeerTestsComponents {
  readonly identity: { readonly key: ServiceNodeKey; sign(bytes: Uint8Array): Uint8Array }
  readonly network: NetworkId
  readonly peers: PeerRequester
  readonly contacts: { contact(key: ServiceNodeKey): ServiceNodeContact | undefined }
  readonly swarm: {
    members(): readonly Member[]
    ownSwarm(): Swarm | undefined
    ownArc(): SwarmArc | undefined
    epoch(): Pick<MembershipEpoch, 'index'> | undefined
  }
  readonly contents: HeldContents
  /** Whether this node has all that its swarm holds; until then it asks for no proofs, and gives none. */
  readonly isComplete: () => boolean
  /** When the newest block that is known was made. */
  readonly newestBlockMs: () => TimestampMs | undefined
  readonly clock: Clock
  readonly timers?: Timers
  /** At least 0 and below 1. */
  readonly random: () => number
  readonly log: Logger
  readonly metrics: PeerTestsMetrics
}

/** How members fare in this node's tests, and this node in theirs. */
export interface PeerTestsStatus {
  /** What members that tested this node say of it. */
  readonly standings: Standings
  /** The same in sentences, where most say that something is wrong. */
  readonly troubles: readonly { readonly test: PeerTest; readonly sentence: string }[]
  /** Members that fail each of this node's tests. */
  readonly failing: Readonly<Record<PeerTest, number>>
  /** Whether this node reaches so few that it believes itself cut off. */
  readonly isInDoubt: boolean
  readonly clock: ClockStatus
}

/** How one member fares in this node's tests. */
export interface MemberTests {
  readonly results: Readonly<Record<PeerTest, TestResult>>
  /** Undefined while it has not answered. */
  readonly lastAnswer: MemberAnswer | undefined
}

/** Tests other members all the time, answers their tests, and compares clocks on the way. */
export interface PeerTests extends AsyncDisposable {
  start(): void
  /** Answers another member's test. */
  handle(from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** False for a member that clients should not be told of: it failed here repeatedly, while most others did not. */
  isReachable(key: ServiceNodeKey): boolean
  status(): PeerTestsStatus
  member(key: ServiceNodeKey): MemberTests
  /** What is wrong with this node as others see it, or with its way to them; undefined while all is well. */
  trouble(): string | undefined
  clockTrouble(): ClockTrouble | undefined
  /** How far the wall clock here is ahead of other members'; undefined while that cannot be told. */
  clockAheadMs(): DurationMs | undefined
  /** Makes the tests of one turn now, or joins those under way. */
  testNow(): Promise<void>
  /** Signs what was found, and sends it to those whom it is about. */
  reportNow(): Promise<void>
}

const IN_DOUBT =
  'This node cannot reach more than half of the service nodes that it tests, so it may be cut off itself: check the network of this machine, and whether connections out of it are allowed'

/** A change of what is found is told so much sooner than the next report is due. */
const CHANGE_TOLD_MS = MINUTE

export function createPeerTests(components: PeerTestsComponents, options: PeerTestsOptions): PeerTests {
  const { identity, swarm, clock, random, log, metrics, contacts } = components
  const timers = components.timers ?? systemTimers
  const self = identity.key
  const stop = new AbortController()
  const common = { ...components, timers, self }

  const verdicts = new MemberVerdicts(common, options)
  const offset = new ClockOffset(common, options)
  const standing = new OwnStanding(common, options)
  const answers = new MemberAnswers(common)
  const prober = new Prober({ ...common, offset, answers }, options)
  const tester = new MemberTester({ ...common, prober, verdicts }, options)
  const reports = new Reports({ ...common, verdicts, standing })
  const responder = new ProbeResponder({ ...common, reports }, options)
  const troubleLog = new TroubleLog(log)
  let cancelTimer = () => {}
  let running: Promise<void> | undefined
  let reportDueMs = clock.monotonicMs() + CHANGE_TOLD_MS
  let reportedMs = clock.monotonicMs()

  const isMember = () => swarm.members().some(({ key }) => key === self)

  const forgetFormerMembers = () => {
    const members = new Set(swarm.members().map(({ key }) => key))
    for (const part of [verdicts, offset, standing, tester, answers]) part.keep(members)
  }

  const turn = async () => {
    forgetFormerMembers()
    if (!isMember()) return
    const before = reachableOf(verdicts, swarm.members())
    const { reach, storage } = chooseTests({ ...common, verdicts }, options)
    const proofs = components.isComplete() ? storage : []
    await inTurns(options.inFlightMax, [
      ...[...reach].map(
        ([key, isTurn]) =>
          () =>
            tester.testReach(key, isTurn, stop.signal),
      ),
      ...proofs.map((key) => () => tester.testStorage(key, stop.signal)),
    ])
    const isChanged = swarm.members().some(({ key }) => before.has(key) !== verdicts.isReachable(key))
    if (isChanged) reportDueMs = Math.min(reportDueMs, Math.max(clock.monotonicMs(), reportedMs + CHANGE_TOLD_MS))
    if (clock.monotonicMs() >= reportDueMs) await report()
    tell()
  }

  const report = async () => {
    const sinceMs = reportedMs
    reportedMs = clock.monotonicMs()
    reportDueMs = reportedMs + options.reportIntervalMs
    const written = reports.write(sinceMs)
    const told = (written?.about ?? []).map((key) => async () => {
      const isSent = await attempt(async () => {
        const request = { kind: 'tell', report: written?.bytes ?? new Uint8Array() } as const
        return (await prober.ask(key, request, stop.signal)).isTaken
      })
      metrics.reports.inc({ outcome: isSent === true ? 'sent' : 'not-sent' })
    })
    // Who cannot reach us cannot tell us either.
    const isSilent = (key: ServiceNodeKey) => key !== self && (standing.heardAtMs(key) ?? -1) < sinceMs
    const asked = (swarm.ownSwarm()?.members ?? []).filter(isSilent).map((key) => async () => {
      const answer = await attempt(() => prober.ask(key, { kind: 'ask' }, stop.signal))
      if (answer?.report !== undefined) reports.take(key, answer.report)
    })
    await inTurns(options.inFlightMax, [...told, ...asked])
    forgetFormerMembers()
  }

  const troubles = () => standingTroubles(standing.standings(), contacts.contact(self))
  const clockNow = () => clockTrouble(offset.status(), options)

  const tell = () => {
    const found = new Map(troubles().map(({ test, sentence }) => [test, sentence]))
    for (const test of ['https', 'libp2p', 'storage'] as const) troubleLog.note(test, found.get(test))
    troubleLog.note('in-doubt', verdicts.isInDoubt ? IN_DOUBT : undefined)
    const wrong = clockNow()
    troubleLog.note('clock', wrong?.sentence, wrong?.isUnready === true ? 'unready' : 'warning')
  }

  const testNow = (): Promise<void> => {
    if (stop.signal.aborted) return Promise.reject(stop.signal.reason)
    running ??= turn().finally(() => {
      running = undefined
    })
    return running
  }

  const schedule = () => {
    if (stop.signal.aborted) return
    cancelTimer = timers.after(jittered(options.intervalMs, random), () => {
      testNow()
        .catch((error: unknown) => {
          if (!stop.signal.aborted) log.warn({ error }, 'Tests of other members failed')
        })
        .finally(schedule)
    })
  }

  return {
    start: schedule,
    testNow,
    reportNow: report,
    handle: (from, payload) => responder.handle(from, payload),
    isReachable: (key) => key === self || verdicts.isReachable(key),
    status: () => ({
      standings: standing.standings(),
      troubles: troubles(),
      failing: verdicts.failing(),
      isInDoubt: verdicts.isInDoubt,
      clock: offset.status(),
    }),
    member: (key) => ({ results: verdicts.results(key), lastAnswer: answers.of(key) }),
    trouble() {
      const sentences = troubles().map(({ sentence }) => sentence)
      const all = verdicts.isInDoubt ? [IN_DOUBT, ...sentences] : sentences
      return all.length === 0 ? undefined : all.join('. ')
    },
    clockTrouble: clockNow,
    clockAheadMs: () => offset.status().aheadMs,
    async [Symbol.asyncDispose]() {
      stop.abort()
      cancelTimer()
      await running?.catch(() => {})
    },
  }
}

function reachableOf(verdicts: MemberVerdicts, members: readonly Member[]): ReadonlySet<ServiceNodeKey> {
  return new Set(members.flatMap(({ key }) => (verdicts.isReachable(key) ? [key] : [])))
}

/** Undefined when the member does not answer, or not as it should. */
async function attempt<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof PeerRequestError || error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Does everything, so much of it at once. */
async function inTurns(atOnce: number, tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = tasks[Symbol.iterator]()
  const work = async () => {
    for (const task of queue) await task()
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, tasks.length) }, work))
}

/** Between three and five quarters, so that nodes that started together do not stay in step. */
function jittered(ms: DurationMs, random: () => number): DurationMs {
  return ms * (0.75 + random() / 2)
}
