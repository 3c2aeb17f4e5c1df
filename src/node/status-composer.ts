import { assert } from '../base/assert.ts'
import type { Clock, DurationMs } from '../base/clock.ts'
import { CodedError } from '../base/coded-error.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import {
  type NodeHealth,
  type NodeStatus,
  type Section,
  type SectionFacts,
  STATUS_VERSION,
  type StatusProblem,
  type StatusSections,
} from './status.ts'
import type { SectionName } from './status-problem-kinds.ts'
import { problemsOf } from './status-problems.ts'

/** Where the facts of a section come from: at once or later. Nothing means that the node has no such part, or not yet. */
export type SectionSource<Facts> = () => Facts | undefined | Promise<Facts | undefined>

/** A source for each section; one that is missing is a part that is off. */
export type StatusSources = { readonly [Name in SectionName]: SectionSource<SectionFacts[Name]> | undefined }

export interface StatusComposerComponents {
  readonly sources: StatusSources
  readonly log: Logger
  readonly clock: Clock
  readonly timers?: Timers
}

export interface StatusComposerOptions {
  /** How long a section may take. */
  readonly sectionTimeoutMs: DurationMs
}

/** The whole document is there within a second, also on a machine that is busy: all sections are asked at once. */
export const defaultStatusComposerOptions: StatusComposerOptions = { sectionTimeoutMs: 400 }

/** How the node is doing; never rejects, and waits for no section longer than it may take. */
export type ComposeStatus = () => Promise<NodeStatus>

export function createStatusComposer(
  components: StatusComposerComponents,
  options: StatusComposerOptions = defaultStatusComposerOptions,
): ComposeStatus {
  const { sources, clock } = components
  const asker = <Name extends SectionName>(name: Name) =>
    createAsker<SectionFacts[Name]>(name, sources[name], components, options)
  const ask = {
    serving: asker('serving'),
    node: asker('node'),
    stake: asker('stake'),
    swarm: asker('swarm'),
    network: asker('network'),
    chain: asker('chain'),
    rewards: asker('rewards'),
    storage: asker('storage'),
    traffic: asker('traffic'),
    nodeTests: asker('nodeTests'),
  }
  return async () => {
    const [serving, node, stake, swarm, network, chain, rewards, storage, traffic, nodeTests] = await Promise.all([
      ask.serving(),
      ask.node(),
      ask.stake(),
      ask.swarm(),
      ask.network(),
      ask.chain(),
      ask.rewards(),
      ask.storage(),
      ask.traffic(),
      ask.nodeTests(),
    ])
    const sections = { serving, node, stake, swarm, network, chain, rewards, storage, traffic, nodeTests }
    const takenAtMs = clock.nowMs()
    const problems = problemsOf(sections, takenAtMs)
    return { version: STATUS_VERSION, takenAtMs, health: healthOf(sections, problems), sections, problems }
  }
}

/** Notices are no trouble. */
function healthOf({ serving }: StatusSections, problems: readonly StatusProblem[]): NodeHealth {
  if (serving.state !== 'known') return 'unknown'
  if (!serving.facts.isServing) return 'not-serving'
  return problems.some(({ severity }) => severity !== 'notice') ? 'degraded' : 'serving'
}

/** One that hangs is not asked again before it has answered: whoever asks meanwhile waits for the same answer, as long as it may take. */
function createAsker<Facts>(
  name: SectionName,
  source: SectionSource<Facts> | undefined,
  { log, timers = systemTimers }: StatusComposerComponents,
  { sectionTimeoutMs }: StatusComposerOptions,
): () => Promise<Section<Facts>> {
  let running: Promise<Section<Facts>> | undefined
  const ask = async (): Promise<Section<Facts>> => {
    try {
      const facts = (await source?.()) ?? undefined
      if (facts === undefined) return { state: 'absent', reason: ABSENT }
      // Whoever reads the document relies on what it is said to hold: half a section is none.
      assert(isPlain(facts), `The section ${name} is not what JSON can say`)
      return { state: 'known', facts }
    } catch (error) {
      log.warn({ error, section: name }, 'A part of the node failed when it was asked how it is')
      return { state: 'failed', reason: error instanceof CodedError ? `It failed: ${error.message}` : FAILED }
    }
  }
  return () => {
    running ??= ask().finally(() => {
      running = undefined
    })
    return withinTime(running, timers, sectionTimeoutMs)
  }
}

/** Whether JSON says all of it: nothing that is undefined, infinite or yet to come. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return value === null || (!(value instanceof Promise) && Object.values(value).every(isPlain))
    default:
      return false
  }
}

const ABSENT = 'This node has no such part, or it has not begun'
const FAILED = 'A fault of the program: its log has more; please report it'
const SILENT = 'It does not answer in time'

function withinTime<Facts>(
  asked: Promise<Section<Facts>>,
  timers: Timers,
  timeoutMs: DurationMs,
): Promise<Section<Facts>> {
  return new Promise((resolve) => {
    const cancel = timers.after(timeoutMs, () => resolve({ state: 'silent', reason: SILENT }))
    asked.then(resolve, () => resolve({ state: 'failed', reason: FAILED })).finally(cancel)
  })
}
