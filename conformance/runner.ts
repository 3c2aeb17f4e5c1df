import { type DurationMs, SECOND } from '../src/base/clock.ts'
import { raceSignal } from '../src/base/deadline.ts'
import type { ConformanceCase } from './case.ts'
import { at, CaseContext } from './context.ts'
import { ExpectationFailed, NotApplicable } from './expectations.ts'
import type { HttpsExchange } from './https-exchange.ts'
import type { NetworkNode, NetworkView } from './network-view.ts'
import { storeParams } from './requests.ts'
import type { Transport, TransportName } from './transport.ts'

export interface RunnerComponents {
  readonly https: HttpsExchange
  readonly view: NetworkView
  /** Members of the asked node's swarm that answer. */
  readonly members: readonly NetworkNode[]
  readonly transports: readonly Transport[]
  /** Hears of each outcome when it is known. */
  readonly onOutcome: (outcome: CaseOutcome) => void
}

export interface RunnerOptions {
  /** Cases that run at the same time. */
  readonly concurrency: number
  /** How long one case may take. */
  readonly caseTimeoutMs: DurationMs
}

export const defaultRunnerOptions: RunnerOptions = {
  // What one client does at most; a node takes 400 requests of one address at once.
  concurrency: 8,
  // A request to a swarm may wait five seconds for a member, and the longest case makes two dozen of them.
  caseTimeoutMs: 60 * SECOND,
}

export type Verdict = 'pass' | 'fail' | 'not applicable'

export interface CaseOutcome {
  readonly case: ConformanceCase
  readonly transport: TransportName
  readonly verdict: Verdict
  readonly durationMs: DurationMs
  /** Why it failed, or does not apply. */
  readonly reason?: string
  /** Of a failed expectation. */
  readonly expected?: string
  readonly actual?: string
}

type Judgement = Omit<CaseOutcome, 'case' | 'transport' | 'durationMs'>

/** Runs each case over each of its transports, a few at a time, and gives the outcomes in the order of the cases. */
export async function runCases(
  cases: readonly ConformanceCase[],
  components: RunnerComponents,
  options: RunnerOptions = defaultRunnerOptions,
): Promise<readonly CaseOutcome[]> {
  const runs = cases.flatMap((one) =>
    components.transports.filter(({ name }) => one.over.includes(name)).map((transport) => ({ one, transport })),
  )
  const outcomes: CaseOutcome[] = []
  const waiting = [...runs.entries()]
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, { one, transport }] = next
      const startMs = performance.now()
      const judged = await runCase(one, transport, components, options)
      const durationMs = Math.round(performance.now() - startMs)
      const outcome = { case: one, transport: transport.name, durationMs, ...judged }
      outcomes[index] = outcome
      components.onOutcome(outcome)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, worker))
  return outcomes
}

async function runCase(
  one: ConformanceCase,
  transport: Transport,
  { https, view, members }: RunnerComponents,
  { caseTimeoutMs }: RunnerOptions,
): Promise<Judgement> {
  const signal = AbortSignal.timeout(caseTimeoutMs)
  try {
    await raceSignal(one.run(new CaseContext({ https, transport, view, members, signal })), signal)
    return { verdict: 'pass' }
  } catch (error) {
    if (error instanceof NotApplicable) return { verdict: 'not applicable', reason: error.message }
    if (signal.aborted) return { verdict: 'fail', reason: `not done in ${caseTimeoutMs / SECOND} s` }
    if (error instanceof ExpectationFailed) {
      return { verdict: 'fail', reason: error.what, expected: error.expected, actual: error.actual }
    }
    return { verdict: 'fail', reason: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * The members of the asked node's swarm that answer it. One that is dead would fail every case of a swarm, and is not the
 * asked node's fault.
 */
export async function findLivingMembers(
  { https, view, transports }: Pick<RunnerComponents, 'https' | 'view' | 'transports'>,
  signal: AbortSignal,
): Promise<readonly NetworkNode[]> {
  const members = view.nodes.filter(({ swarm }) => swarm === view.node.swarm)
  const [transport] = transports
  if (transport === undefined) return members
  const context = new CaseContext({ https, transport, view, members, signal })
  const failed = await failedMembers(context)
  return members.filter(({ key }) => key === view.node.key || !failed.has(key))
}

async function failedMembers(context: CaseContext): Promise<ReadonlySet<string>> {
  try {
    const { body } = await context.ask('store', storeParams(context.account(), context.nowMs()))
    return new Set(context.members.map(({ key }) => key).filter((key) => at(body, 'swarm', key, 'failed') === true))
  } catch (error) {
    // Whatever is wrong with how this node answers is for the cases to tell.
    if (error instanceof ExpectationFailed) return new Set()
    throw error
  }
}
