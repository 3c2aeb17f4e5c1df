import { isAddressEqual } from 'viem'
import { readKeyFiles } from '../../node/key-files.ts'
import type { Hex } from '../../staking/chain-reply.ts'
import {
  contributeCall,
  deployedPool,
  deployPoolCall,
  finalizeCall,
  type PoolFacts,
  type Reservation,
  readPool,
  readWithdrawableMs,
  requireFactory,
  requireOwnPool,
  withdrawCall,
} from '../../staking/contribution/pool.ts'
import { StakingError } from '../../staking/errors.ts'
import { callData } from '../../staking/operator/call.ts'
import { chainTimeMs, readAllowance, readToken, type TokenFacts } from '../../staking/operator/contract-facts.ts'
import { approveCall } from '../../staking/operator/staking-calls.ts'
import { createRegistration } from '../../staking/registration.ts'
import { requireValidProof } from '../../staking/stake-registration.ts'
import { parseWholeUnits, wholeUnits } from '../../staking/token-amount.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { OptionsError } from '../options/check.ts'
import { nodeKeysOf, type StakeSettings } from './chain.ts'
import type { ContributeArgs, DeployArgs, FactoryArgs, PoolStepArgs } from './contribution-options.ts'
import { runMoneyStep } from './money-session.ts'
import type { MoneyContext, MoneyStep, Prepared } from './money-step.ts'
import { addressOf } from './operator-access.ts'
import { countdown } from './presentation.ts'
import { tokensText } from './reward-facts.ts'

// Pooled stakes: several contributors make up one stake.

const NOBODY: Hex = '0x0000000000000000000000000000000000000000'
/** Enough of an address to tell pools apart, and short enough to type. */
const SHORT_ADDRESS = 10

export async function deployPool(args: DeployArgs): Promise<CommandOutcome> {
  return await runMoneyStep(args, {
    purpose: 'contribution-deploy',
    outcome: 'deployed',
    prepare: (context) => prepareDeployment(context, args),
    async finish({ view }, { minedHash }) {
      const pool = minedHash === undefined ? undefined : await deployedPool(view, minedHash)
      const lines = [`The pooled stake is ${pool}. Next: starling stake contribution contribute --pool ${pool}`]
      return { result: { pool: pool ?? null }, lines }
    },
  })
}

export async function contribute(args: ContributeArgs): Promise<CommandOutcome> {
  return await runMoneyStep(args, {
    purpose: 'contribution-contribute',
    outcome: 'contributed',
    prepare: (context) => prepareContribution(context, args),
    // Another amount, or another pool, is another payment.
    async isSame({ view, target }, { to, data }) {
      const amountAtomic = amountOf(args.amount, await readToken(view, target))
      const call = contributeCall(addressOf(args.pool), amountAtomic, '', beneficiaryOf(args), { needsApproval: false })
      return isAddressEqual(to, call.to) && data === callData(call)
    },
  })
}

export async function withdrawContribution(args: PoolStepArgs): Promise<CommandOutcome> {
  const prepare = (context: MoneyContext) => prepareWithdrawal(context, args)
  const isSame = ofPool(args)
  return await runMoneyStep(args, { purpose: 'contribution-withdraw', outcome: 'withdrawn', prepare, isSame })
}

export async function finalizePool(args: PoolStepArgs): Promise<CommandOutcome> {
  const prepare = (context: MoneyContext) => prepareFinalization(context, args)
  const isSame = ofPool(args)
  return await runMoneyStep(args, { purpose: 'contribution-finalize', outcome: 'registered', prepare, isSame })
}

function ofPool(args: PoolStepArgs): NonNullable<MoneyStep['isSame']> {
  const pool = addressOf(args.pool)
  return async (_context, { to }) => isAddressEqual(to, pool)
}

function beneficiaryOf(args: ContributeArgs): Hex {
  return args.beneficiary === undefined ? NOBODY : addressOf(args.beneficiary)
}

async function prepareDeployment(context: MoneyContext, args: DeployArgs): Promise<Prepared> {
  const { view, target, settings } = context
  const factory = factoryOf(args, settings)
  await requireFactory(view, target, factory)
  const { ed25519, bls } = await readKeyFiles(settings.keysFolder)
  const keys = nodeKeysOf({ ed25519, bls })
  const request = { ...target, ed25519, blsSecretKey: bls.secretKey, feeBasisPoints: args.fee }
  const registration = createRegistration({ ...request, operator: view.address })
  await requireValidProof(view, target.contract, registration)
  const token = await readToken(view, target)
  const reserved = (args.reserve ?? []).map((text) => reservationOf(String(text), token))
  return {
    kind: 'calls',
    calls: [deployPoolCall(factory, registration, reserved, args['finalize-by-hand'])],
    facts: [
      ['Factory', factory],
      ['Node', keys.key],
      ['Fee', `${args.fee / 100} % of the rewards to the operator, before they are shared`],
      ...reserved.map(({ addr, amount }) => ['Reserved', `${tokensText(amount, token)} for ${addr}`] as const),
    ],
    result: {
      factory,
      node: keys.key,
      feeBasisPoints: args.fee,
      reserved: reserved.map(({ addr, amount }) => ({ address: addr, amountAtomic: amount.toString() })),
    },
    warnings: ['The terms can only be changed until the first contribution, which is yours.'],
    confirmation: { word: 'deploy', question: 'Type deploy to open the pooled stake' },
    next: 'starling stake contribution contribute',
  }
}

async function prepareContribution(context: MoneyContext, args: ContributeArgs): Promise<Prepared> {
  const { view, target } = context
  const facts = await ownPool(context, args)
  const token = await readToken(view, target)
  const amountAtomic = amountOf(args.amount, token)
  if (token.balanceAtomic < amountAtomic) {
    throw new StakingError('TOKENS_INSUFFICIENT', `The account holds ${tokensText(token.balanceAtomic, token)} only`)
  }
  const text = tokensText(amountAtomic, token)
  // More than it takes is lowered too, so that nothing is left to be taken later.
  const needsApproval = (await readAllowance(view, token.address, facts.pool)) !== amountAtomic
  const call = contributeCall(facts.pool, amountAtomic, text, beneficiaryOf(args), { needsApproval })
  const approve = approveCall(token.address, facts.pool, amountAtomic, text)
  const amount = wholeUnits(amountAtomic, token.decimals)
  const left = facts.requirementAtomic - facts.contributedAtomic - amountAtomic
  return {
    kind: 'calls',
    calls: needsApproval ? [approve, call] : [call],
    facts: [
      ['Token', token.address],
      ...poolRows(facts, token),
      ['Contribute', text],
      ['Left', left > 0n ? tokensText(left, token) : 'nothing: this makes the stake full'],
      [
        'Balance',
        `${tokensText(token.balanceAtomic, token)}, after it ${tokensText(token.balanceAtomic - amountAtomic, token)}`,
      ],
    ],
    result: {
      ...poolResult(facts),
      token: token.address,
      amountAtomic: amountAtomic.toString(),
      amount,
      balanceAtomic: token.balanceAtomic.toString(),
      balanceAfterAtomic: (token.balanceAtomic - amountAtomic).toString(),
      needsApproval,
    },
    warnings: [
      'It can be taken back a day later, until the node is registered; from then on it is locked with the stake.',
    ],
    confirmation: { word: amount, question: `Type the amount, ${amount}, to contribute it` },
    next: `starling stake contribution status --pool ${facts.pool}`,
  }
}

async function prepareWithdrawal(context: MoneyContext, args: PoolStepArgs): Promise<Prepared> {
  const { view, target } = context
  const facts = await ownPool(context, args)
  const token = await readToken(view, target)
  const own = facts.shares.find(({ address }) => address.toLowerCase() === view.address.toLowerCase())
  const isOperator = facts.operator.toLowerCase() === view.address.toLowerCase()
  if (own !== undefined && !isOperator) await refuseEarly(context, facts.pool)
  const amount = own === undefined ? 'what is owed to this account' : tokensText(own.amountAtomic, token)
  const word = facts.pool.slice(0, SHORT_ADDRESS)
  return {
    kind: 'calls',
    calls: [withdrawCall(facts.pool)],
    facts: [...poolRows(facts, token), ['Take back', amount]],
    result: { ...poolResult(facts), amountAtomic: own?.amountAtomic.toString() ?? null },
    warnings: isOperator ? ["The operator's withdrawal ends the pool: everybody's contributions go back."] : [],
    confirmation: { word, question: `Type the beginning of the pool's address, ${word}, to take it back` },
    next: `starling stake contribution status --pool ${facts.pool}`,
  }
}

async function prepareFinalization(context: MoneyContext, args: PoolStepArgs): Promise<Prepared> {
  const { view, target } = context
  const facts = await ownPool(context, args)
  if (facts.status === 'registered') {
    const lines = ['This pooled stake is registered already.', 'Nothing was sent.']
    return { kind: 'nothing', outcome: { result: { outcome: 'already-registered', sent: false }, lines } }
  }
  const token = await readToken(view, target)
  const word = wholeUnits(facts.requirementAtomic, token.decimals)
  return {
    kind: 'calls',
    calls: [finalizeCall(facts.pool)],
    facts: poolRows(facts, token),
    result: poolResult(facts),
    warnings: ["From then on everybody's contributions are locked with the stake."],
    confirmation: { word, question: `Type the stake, ${word}, to register the service node with it` },
    next: 'starling stake status: the node serves once the registration is final',
  }
}

/** @throws {OptionsError} OPTION_INVALID */
function factoryOf(args: FactoryArgs, { configured }: StakeSettings): Hex {
  const factory = args.factory ?? configured('staking.contributionFactory')
  if (typeof factory === 'string' && factory !== '') return addressOf(factory)
  throw new OptionsError('OPTION_INVALID', '--factory must be given, or --network or --config must tell it')
}

async function ownPool({ view, target, settings }: MoneyContext, args: PoolStepArgs): Promise<PoolFacts> {
  const pool = addressOf(args.pool)
  await requireOwnPool(view, target, { factory: factoryOf(args, settings), pool })
  return await readPool(view, pool)
}

/** @throws {StakingError} WAIT_NOT_OVER */
async function refuseEarly({ view }: MoneyContext, pool: Hex): Promise<void> {
  const [fromMs, nowMs] = await Promise.all([readWithdrawableMs(view, pool), chainTimeMs(view)])
  if (nowMs >= fromMs) return
  const message = `A contribution can be taken back a day after it was made: from ${countdown(fromMs, nowMs)}`
  throw new StakingError('WAIT_NOT_OVER', message, { details: { fromMs } })
}

export function poolRows(facts: PoolFacts, token: TokenFacts): readonly (readonly [string, string])[] {
  const tokens = (atomic: bigint) => tokensText(atomic, token)
  return [
    ['Pool', `${facts.pool} of ${facts.operator}: ${facts.status}`],
    ['Node', facts.node],
    [
      'Stake',
      `${tokens(facts.contributedAtomic)} of ${tokens(facts.requirementAtomic)}, ${tokens(facts.reservedAtomic)} reserved`,
    ],
    ['Fee', `${facts.feeBasisPoints / 100} % of the rewards to the operator`],
  ]
}

export function poolResult(facts: PoolFacts): Readonly<Record<string, unknown>> {
  return {
    pool: facts.pool,
    poolOperator: facts.operator,
    status: facts.status,
    node: facts.node,
    requirementAtomic: facts.requirementAtomic.toString(),
    contributedAtomic: facts.contributedAtomic.toString(),
    reservedAtomic: facts.reservedAtomic.toString(),
    minimumAtomic: facts.minimumAtomic.toString(),
    feeBasisPoints: facts.feeBasisPoints,
    finalizedByHand: facts.isFinalizedByHand,
  }
}

function reservationOf(text: string, token: TokenFacts): Reservation {
  const [, address, amount] = /^([^=]+)=([^=]+)$/.exec(text) ?? []
  if (address === undefined || amount === undefined)
    throw new OptionsError('OPTION_INVALID', '--reserve must be 0x…=AMOUNT')
  return { addr: addressOf(address), amount: amountOf(amount, token) }
}

function amountOf(text: string, { decimals }: TokenFacts): bigint {
  const amount = parseWholeUnits(text, decimals)
  if (amount !== undefined && amount > 0n) return amount
  throw new OptionsError('OPTION_INVALID', `An amount must be a number of tokens with at most ${decimals} decimals`)
}
