import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createMembershipFollower, type MembershipFollower } from '../../../src/staking/membership-follower.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import type { StakingOptions } from '../../../src/staking/options.ts'
import { createChainProviders } from '../../../src/staking/providers.ts'
import { aClock, type StakedChain, testStakingOptions } from './staked-chain.ts'

export interface TestFollower extends AsyncDisposable {
  readonly follower: MembershipFollower
  readonly clock: ReturnType<typeof aClock>
}

/** A follower that looks at the chain when the test says so. */
export async function openFollower(
  chain: Pick<StakedChain, 'anvil' | 'staking'>,
  rpcUrls: readonly string[],
  stateFolder: string,
  overrides: Partial<StakingOptions> = {},
): Promise<TestFollower> {
  const clock = aClock()
  const components = { log: silentLogger, clock, metrics: createStakingMetrics(createMetricsRegistry()) }
  const options = { ...testStakingOptions(chain, rpcUrls, stateFolder), ...overrides }
  const providers = createChainProviders(components, options)
  const follower = await createMembershipFollower({ ...components, providers }, options)
  return { follower, clock, [Symbol.asyncDispose]: () => follower[Symbol.asyncDispose]() }
}
