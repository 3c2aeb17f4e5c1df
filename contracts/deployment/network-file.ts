import type { Hex } from 'viem'
import type { StakingAddresses } from './deployment-plan.ts'
import { JsonFields } from './json-fields.ts'

/** What the steps after the deployment, and everybody else, must know of a network. Public. */
export interface NetworkFile extends StakingAddresses {
  readonly chainId: number
  readonly epochLengthS: number
  /** Before it there are no events. */
  readonly deployedBlock: number
  /** No start and no funding with fewer. */
  readonly minimumMembers: number
  /** Who deploys, and its nonce before: so an interrupted deployment is gone on with. */
  readonly deployer: Hex
  readonly firstNonce: number
  /** Hash of all the transactions. */
  readonly plan: Hex
}

export function networkFileText(network: NetworkFile): string {
  return `${JSON.stringify(network, undefined, 2)}\n`
}

/** @throws {StakingDeploymentError} PARAMETERS_INVALID */
export function parseNetworkFile(text: string): NetworkFile {
  const fields = JsonFields.parse(text, 'The network file')
  const network: NetworkFile = {
    chainId: fields.integer('chainId', 1),
    epochLengthS: fields.integer('epochLengthS', 1),
    deployedBlock: fields.integer('deployedBlock', 0),
    minimumMembers: fields.integer('minimumMembers', 0),
    token: fields.address('token'),
    rewards: fields.address('rewards'),
    pool: fields.address('pool'),
    factory: fields.address('factory'),
    deployer: fields.address('deployer'),
    firstNonce: fields.integer('firstNonce', 0),
    plan: fields.text('plan', /^0x[0-9a-f]{64}$/) as Hex,
  }
  fields.end()
  return network
}

/** The preset for config/, by which nodes and clients name the network. */
export function presetText({ chainId, rewards, factory, epochLengthS, deployedBlock }: NetworkFile): string {
  const staking = { chainId, contract: rewards, contributionFactory: factory, epochLengthS, deployedBlock }
  return `${JSON.stringify({ staking }, undefined, 2)}\n`
}
