import type { TimestampMs } from '../../base/clock.ts'
import type { NodeStatus, RunFacts, SectionFacts } from '../../node/status.ts'
import type { SectionName } from '../../node/status-problem-kinds.ts'
import type { SettingsText } from '../../node/status-settings.ts'
import type { Configuration } from '../config/configuration.ts'
import type { ExitCode } from '../exit-codes.ts'
import { type Finding, skipped } from '../finding.ts'
import type { NodePlace } from '../status/node-place.ts'
import type { Machine } from './machine.ts'

/** One thing to look at. What it throws as a coded error is its failure. */
export interface DoctorCheck {
  /** For scripts; never changes its meaning. */
  readonly id: string
  readonly title: string
  /** For docs/doctor.md: what it looks at. */
  readonly meaning: string
  /** Of the command, when this is the first check that fails. */
  readonly exitCode: ExitCode
  run(context: DoctorContext): Finding | Promise<Finding>
}

/** Everything that checks look at, read once. */
export interface DoctorContext {
  readonly nowMs: TimestampMs
  readonly place: NodePlace
  readonly configuration: Configuration
  /** What the running node tells of itself; undefined when none answers, for this reason. */
  readonly node: NodeStatus | undefined
  readonly silence: { readonly isRunning: boolean; readonly reason: string } | undefined
  /** What the running node was made with. */
  readonly settings: SettingsText | undefined
  /** What was configured of those that the node lowered for want of memory. */
  readonly lowered?: SettingsText | undefined
  /** What earlier runs left in the data folder, oldest first. */
  readonly runs: readonly RunFacts[]
  readonly lastBackupAtMs: TimestampMs | undefined
  /** Ed25519 key in the key files; undefined when it cannot be read. */
  readonly key: string | undefined
  readonly machine: Machine
  readonly signal: AbortSignal
  /** A check that `starling stake preflight` makes too, by its id. */
  preflight(id: string): Promise<Finding>
}

/** Judges a section of the status, where the node tells it. */
export function ofSection<Name extends SectionName>(
  name: Name,
  judge: (facts: SectionFacts[Name], context: DoctorContext) => Finding | Promise<Finding>,
): DoctorCheck['run'] {
  return (context) => {
    const facts = factsOf(context, name)
    return typeof facts === 'string' ? skipped(facts) : judge(facts, context)
  }
}

/** Or why there are none. */
export function factsOf<Name extends SectionName>({ node }: DoctorContext, name: Name): SectionFacts[Name] | string {
  if (node === undefined) return NOT_RUNNING
  const section = node.sections[name]
  return section.state === 'known' ? section.facts : `the node does not tell: ${section.reason}`
}

export const NOT_RUNNING = 'the node does not run, or does not answer'

/** A check that the preflight of a stake makes too. */
export function fromPreflight(check: Omit<DoctorCheck, 'run'>): DoctorCheck {
  return { ...check, run: ({ preflight }) => preflight(check.id) }
}
