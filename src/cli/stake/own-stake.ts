import { join } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { StakingError } from '../../staking/errors.ts'
import type { NodeKeys } from '../../staking/own-registration.ts'
import { explainMismatch, readLastId, readOwnStake } from '../../staking/own-stake.ts'
import type { OwnStakeState } from '../../staking/own-stake-state.ts'
import type { ChainProviders } from '../../staking/providers.ts'
import { defaultSignatureOptions } from '../../staking/signatures/options.ts'
import { createRegistrationLookup } from '../../staking/signatures/registration-lookup.ts'
import type { StakeSettings } from './chain.ts'

/** Below the data folder, where the node keeps what it knows of the chain. */
const STATE_FOLDER = 'staking'

/**
 * Where the node of these keys stands at a final block, and whose doing it is when its keys are taken.
 * @throws {StakingError} PROVIDERS_UNAVAILABLE, PROVIDER_…
 */
export async function finalOwnStake(
  providers: ChainProviders,
  { chain, dataFolder }: StakeSettings,
  keys: NodeKeys,
  signal: AbortSignal,
): Promise<OwnStakeState> {
  const options = { ...defaultSignatureOptions, ...chain }
  const lastId = await readLastId(join(dataFolder, STATE_FOLDER), { ...chain, ...keys }).catch(unlessStaking)
  const state = await readOwnStake(providers, { ...chain, ...keys, lastId, looksAhead: true }, signal)
  return await explainMismatch(state, createRegistrationLookup({ providers, clock: systemClock }, options))
}

/** What the node kept only helps to tell one that has left from one that never was there. */
function unlessStaking(error: unknown): undefined {
  if (!(error instanceof StakingError) && !(error instanceof Error && 'code' in error)) throw error
}
