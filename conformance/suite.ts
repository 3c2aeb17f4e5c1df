import { type DurationMs, SECOND } from '../src/base/clock.ts'
import type { ConformanceCase } from './case.ts'
import { HttpsExchange, type HttpsPlace } from './https-exchange.ts'
import { type NetworkNode, type NetworkView, NodeUnusable, viewNetwork } from './network-view.ts'
import { type CaseOutcome, defaultRunnerOptions, findLivingMembers, type RunnerOptions, runCases } from './runner.ts'
import { createHttpsTransport, createOnionTransport, HOPS, type TransportName } from './transport.ts'

/** How long the node may take to say who it is, before any case. */
const VIEW_TIMEOUT_MS: DurationMs = 20 * SECOND

export interface SuiteOptions extends RunnerOptions {
  readonly transports: readonly TransportName[]
}

export const defaultSuiteOptions: SuiteOptions = { ...defaultRunnerOptions, transports: ['https', 'onion'] }

/** Whom the cases are run against. */
export interface TestedNetwork {
  /** Of the asked node. */
  readonly key: string
  readonly nodes: number
  readonly swarms: number
  /** Of the asked node's swarm, and how many of them answer. */
  readonly members: number
  readonly membersAnswering: number
}

/** Told of what goes on. */
export interface SuiteListener {
  onNetwork(network: TestedNetwork): void
  onOutcome(outcome: CaseOutcome): void
}

export interface SuiteResult {
  readonly network: TestedNetwork
  readonly outcomes: readonly CaseOutcome[]
}

/** Runs the cases against the node at this place. @throws NodeUnusable; network errors when it cannot be reached */
export async function runSuite(
  place: HttpsPlace,
  cases: readonly ConformanceCase[],
  options: SuiteOptions,
  listener: SuiteListener,
): Promise<SuiteResult> {
  using https = new HttpsExchange()
  const signal = AbortSignal.timeout(VIEW_TIMEOUT_MS)
  const view = await viewNetwork(https, place, signal)
  if (options.transports.includes('onion') && view.nodes.length <= HOPS) {
    throw new NodeUnusable(`Onion requests need ${HOPS} nodes besides it, and it knows ${view.nodes.length - 1}`)
  }
  const all = [createHttpsTransport(https), createOnionTransport(https, view.nodes)]
  const transports = all.filter(({ name }) => options.transports.includes(name))
  const members = await findLivingMembers({ https, view, transports }, signal)
  const network = testedNetwork(view, members)
  listener.onNetwork(network)
  const onOutcome = (outcome: CaseOutcome) => listener.onOutcome(outcome)
  return { network, outcomes: await runCases(cases, { https, view, members, transports, onOutcome }, options) }
}

function testedNetwork({ node, nodes, swarmIds }: NetworkView, answering: readonly NetworkNode[]): TestedNetwork {
  return {
    key: node.key,
    nodes: nodes.length,
    swarms: swarmIds.length,
    members: nodes.filter(({ swarm }) => swarm === node.swarm).length,
    membersAnswering: answering.length,
  }
}
