import { MINUTE } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import { readKeyFiles, type ServiceNodeKeys } from '../../node/key-files.ts'
import { StakingError } from '../../staking/errors.ts'
import { createOperatorAccount, type OperatorAccount } from '../../staking/operator-account.ts'
import { readOwnStake } from '../../staking/own-stake.ts'
import type { OwnStakeState } from '../../staking/own-stake-state.ts'
import type { ChainProviders } from '../../staking/providers.ts'
import { createRegistration, type Registration } from '../../staking/registration.ts'
import { planRegistration, type RegistrationPlan, sendRegistration } from '../../staking/stake-registration.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { keysFolderOf } from '../keys/options.ts'
import { wholeUnits } from './amount.ts'
import { type CommandChainOptions, chainOptionsOf, connectToChain, nodeKeysOf } from './chain.ts'
import { confirmAmount } from './confirmation.ts'
import { readOperatorKey } from './operator-key.ts'
import type { RegisterArgs } from './options.ts'

const CHECKS_TIMEOUT_MS = MINUTE
const ETHER_DECIMALS = 18

/** Registers this service node: checks everything, shows it, asks, sends. Run twice, it stakes once. */
export async function registerStake(args: RegisterArgs): Promise<CommandOutcome> {
  const keys = await readKeyFiles(keysFolderOf(args))
  const privateKey = await readOperatorKey(args['operator-key-file'])
  const options = chainOptionsOf(args)
  const signal = withDeadline(CHECKS_TIMEOUT_MS)
  const providers = await connectToChain(options, signal)

  const state = await readOwnStake(providers, { ...options, ...nodeKeysOf(keys), lastId: undefined }, signal)
  if ('member' in state) return alreadyRegistered(state)
  if (state.kind === 'key-mismatch') throw new StakingError('KEYS_TAKEN', state.sentence)

  const account = createOperatorAccount(privateKey, { ...options, rpcUrl: usableUrl(providers, options) })
  const registration = registrationOf(keys, account, options, args.fee)
  const plan = await planRegistration(account, options, registration)
  if (args['dry-run']) {
    const lines = [...planLines(plan), 'The simulation succeeded. Nothing was sent (--dry-run).']
    return { result: { outcome: 'dry-run', sent: false, plan: planResult(plan) }, lines }
  }
  if (!args.yes) await confirmAmount(wholeUnits(plan.stakeAtomic, plan.tokenDecimals), planLines(plan))
  const receipt = await sendRegistration(account, plan, registration)
  return {
    result: {
      outcome: 'registered',
      sent: true,
      plan: planResult(plan),
      approval: receipt.approval ?? null,
      transaction: receipt.registration,
      blockNumber: receipt.blockNumber.toString(),
    },
    lines: [
      ...planLines(plan),
      `Registered in block ${receipt.blockNumber} by transaction ${receipt.registration}.`,
      'The node serves once the registration is final. Next: starling stake status',
    ],
  }
}

function alreadyRegistered(state: OwnStakeState & { readonly member: { readonly id: bigint } }): CommandOutcome {
  return {
    result: { outcome: 'already-registered', sent: false, state: state.kind, id: state.member.id.toString() },
    lines: [state.sentence, 'Nothing was sent.'],
  }
}

/** The first provider that passed the checks. */
function usableUrl(providers: ChainProviders, { rpcUrls }: CommandChainOptions): string {
  const url = rpcUrls[providers.available()[0]?.index ?? 0]
  if (url === undefined) throw new StakingError('PROVIDERS_UNAVAILABLE', 'No RPC provider can be used')
  return url
}

function registrationOf(
  keys: ServiceNodeKeys,
  account: OperatorAccount,
  { chainId, contract }: CommandChainOptions,
  feeBasisPoints: number,
): Registration {
  const { ed25519, bls } = keys
  return createRegistration({
    ...{ chainId, contract, feeBasisPoints, ed25519 },
    operator: account.address,
    blsSecretKey: bls.secretKey,
  })
}

function planResult(plan: RegistrationPlan): Readonly<Record<string, unknown>> {
  return {
    chainId: plan.chainId,
    contract: plan.contract,
    token: plan.token,
    operator: plan.operator,
    stakeAtomic: plan.stakeAtomic.toString(),
    stake: wholeUnits(plan.stakeAtomic, plan.tokenDecimals),
    balanceAtomic: plan.balanceAtomic.toString(),
    needsApproval: plan.needsApproval,
    gas: plan.gas.toString(),
    gasCostMaxWei: plan.gasCostMaxWei.toString(),
    simulation: 'succeeded',
  }
}

function planLines(plan: RegistrationPlan): readonly string[] {
  const tokens = (atomic: bigint) => `${wholeUnits(atomic, plan.tokenDecimals)} ${plan.tokenSymbol}`
  return [
    `Chain        ${plan.chainId}`,
    `Contract     ${plan.contract}`,
    `Token        ${plan.token}`,
    `Operator     ${plan.operator}`,
    `Stake        ${tokens(plan.stakeAtomic)}`,
    `Balance      ${tokens(plan.balanceAtomic)}, after it ${tokens(plan.balanceAtomic - plan.stakeAtomic)}`,
    `Transactions ${plan.needsApproval ? '2: approve exactly the stake, register' : '1: register'}`,
    `Gas          about ${plan.gas}, ${wholeUnits(plan.gasCostMaxWei, ETHER_DECIMALS)} ether`,
    'Simulation   succeeded',
    'Way back     not with this version: read "How a stake comes back" in docs/staking.md first',
  ]
}
