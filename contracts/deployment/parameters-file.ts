import { JsonFields } from './json-fields.ts'
import { defaultStakingOptions, type StakingOptions } from './network-parameters.ts'

export const TOKEN_DECIMALS = 9
/** With seven members two may be silent, and the third that fails does not yet stop everything for long. */
const RECOMMENDED_MEMBERS = 7
const EPOCH_LENGTH_S = 600

/** What the deployer decides about a network of its own. */
export interface NetworkParameters extends StakingOptions {
  readonly chainId: number
  /** Of the preset: how long nodes keep one list of members. */
  readonly epochLengthS: number
}

/**
 * Reads the file of parameters. What is left out has the value that Session's network has; the names of the token, the chain and
 * who may replace the code are nobody's to guess.
 * @throws {StakingDeploymentError} PARAMETERS_INVALID
 */
export function parseParameters(text: string): NetworkParameters {
  const defaults = defaultStakingOptions
  const fields = JsonFields.parse(text, 'The parameters')
  const token = fields.object('token')
  const ratios = fields.object('liquidationRatios', {})
  const ratio = (name: 'liquidator' | 'pool' | 'recipient') =>
    BigInt(ratios.integer(name, 1, Number(defaults.liquidationRatios[name])))
  const parameters: NetworkParameters = {
    chainId: fields.integer('chainId', 1),
    epochLengthS: fields.integer('epochLengthS', 1, EPOCH_LENGTH_S),
    tokenName: token.text('name', /^[\x20-\x7e]{1,64}$/),
    tokenSymbol: token.text('symbol', /^[A-Za-z0-9]{1,16}$/),
    tokenSupplyAtomic: token.amount('supply', TOKEN_DECIMALS),
    stakingRequirementAtomic: fields.amount('stakingRequirement', TOKEN_DECIMALS, defaults.stakingRequirementAtomic),
    maxContributors: fields.integer('maxContributors', 1, defaults.maxContributors),
    liquidationRatios: { liquidator: ratio('liquidator'), pool: ratio('pool'), recipient: ratio('recipient') },
    signatureExpiryS: fields.integer('signatureExpiryS', 1, defaults.signatureExpiryS),
    claimThresholdAtomic: fields.amount('claimThreshold', TOKEN_DECIMALS, defaults.claimThresholdAtomic),
    claimCycleS: fields.integer('claimCycleS', 1, defaults.claimCycleS),
    minimumMembers: fields.integer('minimumMembers', 0, RECOMMENDED_MEMBERS),
    proxyAdminOwner: fields.address('proxyAdminOwner'),
  }
  for (const part of [token, ratios, fields]) part.end()
  return parameters
}
