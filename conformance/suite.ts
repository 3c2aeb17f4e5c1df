import { type DurationMs, SECOND } from '../src/base/clock.ts'
import type { ConformanceCase } from './case.ts'
import { HttpsExchange, type HttpsPlace } from './https-exchange.ts'
import { type NetworkNode, type NetworkView, viewNetwork } from './network-view.ts'
import { type CaseOutcome, defaultRunnerOptions, findLivingMembers, type RunnerOptions, runCases } from './runner.ts'
import { createHttpsTransport, createOnionTransport, HOPS, type TransportName } from './transport.ts'

/** How long the node may take to say who it is, before any case. */
const VIEW_TIMEOUT_MS: DurationMs = 20 * SECOND

export interface SuiteOptions extends RunnerOptions {
  readonly transports: readonly TransportName[]
}

export const defaultSuiteOptions: SuiteOptions = { ...defaultRunnerOptions, transports: ['https', 'onion'] }

/** Told of what goes on. */
export interface SuiteListener {
  onView(view: NetworkView, members: readonly NetworkNode[]): void
  onOutcome(outcome: CaseOutcome): void
}

/** Runs the cases against the node at this place. @throws NodeUnusable; network errors when it cannot be reached */
export async function runSuite(
  place: HttpsPlace,
  cases: readonly ConformanceCase[],
  options: SuiteOptions,
  listener: SuiteListener,
): Promise<readonly CaseOutcome[]> {
  using https = new HttpsExchange()
  const signal = AbortSignal.timeout(VIEW_TIMEOUT_MS)
  const view = await viewNetwork(https, place, signal)
  if (options.transports.includes('onion') && view.nodes.length <= HOPS) {
    throw new Error(`Onion requests need ${HOPS} nodes besides the asked one; the network has ${view.nodes.length - 1}`)
  }
  const all = [createHttpsTransport(https), createOnionTransport(https, view.nodes)]
  const transports = all.filter(({ name }) => options.transports.includes(name))
  const members = await findLivingMembers({ https, view, transports }, signal)
  listener.onView(view, members)
  const onOutcome = (outcome: CaseOutcome) => listener.onOutcome(outcome)
  return await runCases(cases, { https, view, members, transports, onOutcome }, options)
}
