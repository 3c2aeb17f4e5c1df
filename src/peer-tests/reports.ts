import type { Clock, DurationMs } from '../base/clock.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import {
  type Findings,
  PROBE_REPORT_ROWS_MAX,
  type ReportRow,
  readProbeReport,
  sealProbeReport,
} from '../protocol/peer-api/probe-report.ts'
import type { Member, MembershipEpoch, ServiceNodeKey } from '../protocol/service-node.ts'
import type { MemberVerdicts } from './member-verdicts.ts'
import type { PeerTestsMetrics } from './metrics.ts'
import type { OwnStanding } from './own-standing.ts'

export interface ReportsComponents {
  readonly identity: { readonly key: ServiceNodeKey; sign(bytes: Uint8Array): Uint8Array }
  readonly network: NetworkId
  readonly clock: Clock
  readonly swarm: { members(): readonly Member[]; epoch(): Pick<MembershipEpoch, 'index'> | undefined }
  readonly verdicts: Pick<MemberVerdicts, 'findings'>
  readonly standing: Pick<OwnStanding, 'note'>
  readonly metrics: Pick<PeerTestsMetrics, 'reports'>
}

/** A report that was just signed, and whom it is about. */
export interface WrittenReport {
  readonly bytes: Uint8Array
  readonly about: readonly ServiceNodeKey[]
}

/** The list of another member may be an epoch ahead of ours, or behind. */
const EPOCHS_APART_MAX = 1

/** Signs what this node found, and takes what others found about it. */
export class Reports {
  readonly #components: ReportsComponents
  #newest: Uint8Array | undefined
  #lastTimestampMs = 0

  constructor(components: ReportsComponents) {
    this.#components = components
  }

  /** The newest report of this node, for whoever asks. */
  get newest(): Uint8Array | undefined {
    return this.#newest
  }

  /** Puts all that was tested since `sinceMs` of the monotonic clock into a report. Undefined when that is nothing. */
  write(sinceMs: DurationMs): WrittenReport | undefined {
    const { identity, network, clock, swarm } = this.#components
    const epoch = swarm.epoch()
    const found = this.#foundSince(sinceMs)
    if (epoch === undefined || found.length === 0) return undefined
    const rows: readonly ReportRow[] = found.map(({ member, findings }) => ({ member: member.id, findings }))
    // A clock that was set back must not make others take the report for an old one.
    const timestampMs = Math.max(clock.nowMs(), this.#lastTimestampMs + 1)
    this.#lastTimestampMs = timestampMs
    const bytes = sealProbeReport({ tester: identity.key, epoch: epoch.index, timestampMs, rows }, network, (text) =>
      identity.sign(text),
    )
    this.#newest = bytes
    return { bytes, about: found.map(({ member }) => member.key) }
  }

  /** Takes a report that its tester handed over itself. False for one that is not its own, or not newer. */
  take(from: ServiceNodeKey, bytes: Uint8Array): boolean {
    const isTaken = this.#take(from, bytes)
    this.#components.metrics.reports.inc({ outcome: isTaken ? 'received' : 'refused' })
    return isTaken
  }

  #take(from: ServiceNodeKey, bytes: Uint8Array): boolean {
    const { identity, network, swarm, standing } = this.#components
    try {
      const { report, isSignedFor } = readProbeReport(bytes)
      const epoch = swarm.epoch()
      if (epoch === undefined || Math.abs(report.epoch - epoch.index) > EPOCHS_APART_MAX) return false
      if (report.tester !== from || !isSignedFor(network)) return false
      const own = swarm.members().find(({ key }) => key === identity.key)
      const row = report.rows.find(({ member }) => member === own?.id)
      return row === undefined || standing.note(from, row.findings, report.timestampMs)
    } catch (error) {
      if (error instanceof ProtocolError) return false
      throw error
    }
  }

  /** Ascending by id; where there are too many, those with failures go before others. */
  #foundSince(sinceMs: DurationMs): readonly { readonly member: Member; readonly findings: Findings }[] {
    const { swarm, verdicts, identity } = this.#components
    const found = swarm.members().flatMap((member) => {
      const findings = verdicts.findings(member.key, sinceMs)
      const isNothing = member.key === identity.key || Object.keys(findings).length === 0
      return isNothing ? [] : [{ member, findings }]
    })
    if (found.length <= PROBE_REPORT_ROWS_MAX) return found
    const [failing, passing] = [true, false].map((isFailing) =>
      found.filter(({ findings }) => Object.values(findings).includes('failed') === isFailing),
    )
    return [...(failing ?? []), ...(passing ?? [])]
      .slice(0, PROBE_REPORT_ROWS_MAX)
      .sort((a, b) => (a.member.id < b.member.id ? -1 : 1))
  }
}
