import { CodedError } from '../../base/coded-error.ts'
import { parseBootstrap } from '../../network/connection-gate.ts'
import { requireBoundedMemory } from '../../network/memory-bound.ts'
import type { ServiceNodeOptions } from '../../node/options.ts'
import { checkChainOptions } from '../../staking/options.ts'
import { ledgerRules } from '../../staking/rewards/options.ts'
import type { GivenValue } from './layers.ts'
import type { ConfigurationProblem, Origin } from './problem.ts'

type Values = ReadonlyMap<string, GivenValue>

/** What is wrong with options together, and what the parts of a node refuse before they begin. */
export function agreementProblems(node: ServiceNodeOptions, values: Values): readonly ConfigurationProblem[] {
  return [...bootstrapProblems(node, values), ...partProblems(node, values), ...portProblems(node, values)]
}

function bootstrapProblems({ network }: ServiceNodeOptions, values: Values): readonly ConfigurationProblem[] {
  const option = 'network.bootstrap'
  const { origin, itemOrigins = [] } = values.get(option) ?? { origin: { layer: 'default' } as const }
  return network.bootstrapMultiaddrs.flatMap((address, index) => {
    if (refusalOf(() => parseBootstrap([address])) === undefined) return []
    const reason = `must be multiaddrs such as /ip4/192.0.2.7/tcp/22020, not ${JSON.stringify(address)}`
    const [, host, port] = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(address) ?? []
    const hint = host === undefined ? {} : { hint: `Did you mean /ip4/${host}/tcp/${port}?` }
    return [problem(option, itemOrigins[index] ?? origin, reason, hint)]
  })
}

/** The checks that the parts make when they are made. */
function partProblems(node: ServiceNodeOptions, values: Values): readonly ConfigurationProblem[] {
  const checks: readonly (readonly [option: string, check: () => unknown, hint?: string])[] = [
    ['staking.rpcUrls', () => checkChainOptions(node.staking)],
    ['staking.rewardsPeriodS', () => ledgerRules(node.staking.rewards, node.staking)],
    [
      'network.connectionsMax',
      () => requireBoundedMemory({ ...node.network, dataFolder: node.dataFolder }),
      'Give fewer connections',
    ],
  ]
  return checks.flatMap(([option, check, hint]) => {
    const refusal = refusalOf(check)
    const origin = values.get(option)?.origin ?? { layer: 'default' }
    return refusal === undefined
      ? []
      : [problem(option, origin, `is refused: ${refusal.message}`, hint === undefined ? {} : { hint })]
  })
}

/** Two servers of a node at one port of one address: the second could not start. */
function portProblems({ network, rpc, metrics }: ServiceNodeOptions, values: Values): readonly ConfigurationProblem[] {
  const servers = [
    { option: 'network.port', address: network.listenAddress, port: network.listenPort },
    { option: 'rpc.port', address: rpc.httpsHost, port: rpc.httpsPort },
    { option: 'metrics.port', address: metrics.address, port: metrics.port },
  ]
  return servers.flatMap((server, index) => {
    const earlier = servers.slice(0, index).find((other) => collide(server, other))
    if (earlier === undefined) return []
    const reason = `is ${server.port}, which is ${earlier.option} too`
    return [problem(server.option, values.get(server.option)?.origin ?? { layer: 'default' }, reason, OTHER_PORT)]
  })
}

const OTHER_PORT = { hint: 'Give each server a port of its own' }

interface Server {
  readonly address: string
  readonly port: number
}

function collide(one: Server, other: Server): boolean {
  if (one.port === 0 || one.port !== other.port) return false
  return one.address === other.address || [one, other].some(({ address }) => address === '0.0.0.0' || address === '::')
}

function refusalOf(check: () => unknown): CodedError<string> | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
}

function problem(
  option: string,
  origin: Origin,
  reason: string,
  hint: { readonly hint?: string },
): ConfigurationProblem {
  return { code: 'OPTION_INVALID', option, origin, reason, ...hint }
}
