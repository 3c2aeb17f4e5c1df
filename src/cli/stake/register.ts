import { readKeyFiles } from '../../node/key-files.ts'
import { StakingError } from '../../staking/errors.ts'
import type { OwnStakeState } from '../../staking/own-stake-state.ts'
import { createRegistration } from '../../staking/registration.ts'
import { prepareRegistration } from '../../staking/stake-registration.ts'
import { wholeUnits } from '../../staking/token-amount.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { nodeKeysOf, settingsOf } from './chain.ts'
import { runMoneyStep } from './money-session.ts'
import type { MoneyContext, MoneyStep, Prepared } from './money-step.ts'
import type { RegisterArgs } from './options.ts'
import { finalOwnStake } from './own-stake.ts'

/** Registers this service node: checks everything, shows it, and hands it out or asks and sends. Run twice, it stakes once. */
export async function registerStake(args: RegisterArgs): Promise<CommandOutcome> {
  // Before the chain is asked for anything: without keys there is nothing to register.
  await readKeyFiles(settingsOf(args).keysFolder)
  return await runMoneyStep(args, registerStep(args.fee))
}

function registerStep(feeBasisPoints: number): MoneyStep {
  return {
    purpose: 'register',
    outcome: 'registered',
    prepare: (context) => prepare(context, feeBasisPoints),
  }
}

async function prepare(context: MoneyContext, feeBasisPoints: number): Promise<Prepared> {
  const { settings, target, providers, view, signal } = context
  const { ed25519, bls } = await readKeyFiles(settings.keysFolder)
  const keys = nodeKeysOf({ ed25519, bls })
  const state = await finalOwnStake(providers, settings, keys, signal)
  if ('member' in state) return { kind: 'nothing', outcome: alreadyRegistered(state) }
  if (state.kind === 'key-mismatch') throw new StakingError('KEYS_TAKEN', state.sentence)

  const registration = createRegistration({
    ...{ ...target, feeBasisPoints, ed25519 },
    operator: view.address,
    blsSecretKey: bls.secretKey,
  })
  const { token, stakeAtomic, needsApproval, calls } = await prepareRegistration(view, target, registration)
  const tokens = (atomic: bigint) => `${wholeUnits(atomic, token.decimals)} ${token.symbol}`
  const stake = wholeUnits(stakeAtomic, token.decimals)
  return {
    kind: 'calls',
    calls,
    facts: [
      ['Token', token.address],
      ['Node', keys.key],
      ['Stake', tokens(stakeAtomic)],
      ['Balance', `${tokens(token.balanceAtomic)}, after it ${tokens(token.balanceAtomic - stakeAtomic)}`],
    ],
    result: {
      token: token.address,
      node: keys.key,
      stakeAtomic: stakeAtomic.toString(),
      stake,
      balanceAtomic: token.balanceAtomic.toString(),
      balanceAfterAtomic: (token.balanceAtomic - stakeAtomic).toString(),
      needsApproval,
    },
    warnings: [
      'The stake is locked until the node has asked to leave and two weeks have passed. Back up both keys first.',
    ],
    confirmation: { word: stake, question: `Type the amount, ${stake}, to stake it` },
    next: 'starling stake status: the node serves once the registration is final',
  }
}

function alreadyRegistered(state: OwnStakeState & { readonly member: { readonly id: bigint } }): CommandOutcome {
  return {
    result: { outcome: 'already-registered', sent: false, state: state.kind, id: state.member.id.toString() },
    lines: [state.sentence, 'Nothing was sent.'],
  }
}
