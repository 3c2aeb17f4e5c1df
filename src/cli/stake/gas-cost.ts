import { StakingError } from '../../staking/errors.ts'
import { parseWholeUnits } from '../../staking/token-amount.ts'
import { OptionsError } from '../options/check.ts'
import type { MoneyArgs } from './options.ts'
import { ether } from './presentation.ts'

const ETHER_DECIMALS = 18

/** @throws {OptionsError} OPTION_INVALID */
export function gasCostMaxWei(args: Pick<MoneyArgs, 'gas-cost-max'>): bigint {
  const wei = parseWholeUnits(String(args['gas-cost-max']), ETHER_DECIMALS)
  if (wei !== undefined && wei > 0n) return wei
  throw new OptionsError('OPTION_INVALID', '--gas-cost-max must be a number of ether, such as 0.1')
}

/**
 * A provider names the price of gas, and a script with --yes asks nobody: a busy hour or a false answer must not cost a fortune.
 * @throws {StakingError} GAS_COST_TOO_HIGH
 */
export function refuseGasCost(costMaxWei: bigint, limitWei: bigint): void {
  if (costMaxWei <= limitWei) return
  const message = `The gas may cost ${ether(costMaxWei)}, which is more than ${ether(limitWei)}; wait, or allow it with --gas-cost-max`
  throw new StakingError('GAS_COST_TOO_HIGH', message, {
    details: { costMaxWei: costMaxWei.toString(), limitWei: limitWei.toString() },
  })
}
