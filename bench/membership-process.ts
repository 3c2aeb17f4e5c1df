// A process that follows the service node list, or only asks the same questions, and says what that costs. See membership.bench.ts.
import { decodeFunctionResult, encodeFunctionData, type Hex, multicall3Abi } from 'viem'
import { assert } from '../src/base/assert.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { createMetricsRegistry } from '../src/base/metrics.ts'
import { serviceNodeRewardsAbi } from '../src/staking/abi.ts'
import { ALL_IDS_CALL, memberCall } from '../src/staking/member-codec.ts'
import { createMembershipFollower, type MembershipFollower } from '../src/staking/membership-follower.ts'
import { createStakingMetrics } from '../src/staking/metrics.ts'
import { defaultStakingOptions, type StakingOptions } from '../src/staking/options.ts'
import { createChainProviders } from '../src/staking/providers.ts'
import { countRequests, loadOf, type ProviderLoad } from './provider-load.ts'

export interface MembershipSettings {
  readonly chainId: number
  readonly contract: Hex
  readonly rpcUrls: readonly string[]
  readonly epochLengthS: number
  readonly stateFolder: string
}

export type MembershipOrder =
  | { readonly kind: 'follow'; readonly settings: MembershipSettings }
  /** Looks at the chain again. */
  | { readonly kind: 'look' }
  /** The calls of a first epoch, and nothing else: no checks, no list. */
  | { readonly kind: 'ask'; readonly settings: MembershipSettings; readonly bundled: boolean; readonly block: number }

export interface MembershipReport {
  readonly load: ProviderLoad
  readonly epoch?: { readonly index: number; readonly members: number; readonly root: string } | undefined
}

let follower: MembershipFollower | undefined
countRequests()
process.on('message', (order: MembershipOrder) => void carryOut(order).then((report) => process.send?.(report)))

async function carryOut(order: MembershipOrder): Promise<MembershipReport> {
  if (order.kind === 'ask') return { load: await loadOf(() => ask(order)) }
  const load = await loadOf(async () => {
    if (order.kind === 'follow') follower = await follow(order.settings)
    else await follower?.refresh()
  })
  const epoch = follower?.current()
  assert(follower?.status().lastError === undefined, 'The chain can be followed')
  return { load, epoch: epoch && { index: epoch.index, members: epoch.members.length, root: epoch.root } }
}

function follow(settings: MembershipSettings): Promise<MembershipFollower> {
  const components = {
    log: silentLogger,
    clock: systemClock,
    metrics: createStakingMetrics(createMetricsRegistry()),
  }
  const options: StakingOptions = { ...defaultStakingOptions, ...settings, pollIntervalMs: 3_600_000 }
  return createMembershipFollower({ ...components, providers: createChainProviders(components, options) }, options)
}

async function ask({ settings, bundled, block }: Extract<MembershipOrder, { kind: 'ask' }>): Promise<void> {
  await Promise.all(settings.rpcUrls.map((url) => askProvider(url, settings.contract, { bundled, block })))
}

async function askProvider(url: string, contract: Hex, { bundled, block }: { bundled: boolean; block: number }) {
  const at: Hex = `0x${block.toString(16)}`
  const [ids] = decodeFunctionResult({
    abi: serviceNodeRewardsAbi,
    functionName: 'allServiceNodeIDs',
    data: await call(url, { to: contract, data: ALL_IDS_CALL }, at),
  })
  const { multicall, multicallCallsMax, requestsInFlightMax } = defaultStakingOptions
  const size = bundled ? multicallCallsMax : 1
  const calls = Array.from({ length: Math.ceil(ids.length / size) }, (_, place) => {
    const members = ids.slice(place * size, (place + 1) * size).map(memberCall)
    return bundled ? { to: multicall, data: bundleOf(contract, members) } : { to: contract, data: members[0] ?? '0x' }
  })
  const remaining = calls.values()
  const answers: Hex[] = []
  const lane = async () => {
    for (const next of remaining) answers.push(await call(url, next, at))
  }
  await Promise.all(Array.from({ length: requestsInFlightMax }, lane))
  assert(answers.length === calls.length, 'Every call is answered')
}

function bundleOf(contract: Hex, calls: readonly Hex[]): Hex {
  const args = calls.map((callData) => ({ target: contract, allowFailure: false, callData }))
  return encodeFunctionData({ abi: multicall3Abi, functionName: 'aggregate3', args: [args] })
}

async function call(url: string, what: { to: Hex; data: Hex }, at: Hex): Promise<Hex> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_call', params: [what, at] })
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  const { result } = (await response.json()) as { readonly result: Hex }
  return result
}
