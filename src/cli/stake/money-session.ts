import { type DurationMs, MINUTE } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import { createSecretFolder } from '../../node/secret-file.ts'
import { StakingError } from '../../staking/errors.ts'
import { openJournal, readJournals, type TransactionJournal } from '../../staking/operator/journal.ts'
import type { JournalEntry } from '../../staking/operator/journal-entry.ts'
import { planCalls } from '../../staking/operator/plan.ts'
import { defaultPatience } from '../../staking/operator/receipts.ts'
import { acknowledge, refuseUnfinished, resume } from '../../staking/operator/resumption.ts'
import { sendCall } from '../../staking/operator/sender.ts'
import { nextPlace } from '../../staking/operator/turn.ts'
import type { OperatorAccount } from '../../staking/operator-account.ts'
import { CommandError, type CommandOutcome } from '../command-outcome.ts'
import { OptionsError } from '../options/check.ts'
import { type Agreement, agreement, progress, senderComponents } from './agreement.ts'
import { connectToChain, isSessionContract, type StakeSettings, settingsOf, usableUrls } from './chain.ts'
import { gasCostMaxWei, refuseGasCost } from './gas-cost.ts'
import { dryRunOutcome, unsignedOutcome } from './handed-out.ts'
import type { MoneyContext, MoneyStep } from './money-step.ts'
import { type OperatorAccess, operatorOf } from './operator-access.ts'
import type { MoneyArgs } from './options.ts'
import { planLines, planResult, transactionResult } from './presentation.ts'

/** What all checks and simulations of one step may take, collecting signatures included; waiting for receipts has a time of its own. */
const CHECKS_TIMEOUT_MS: DurationMs = 5 * MINUTE
/** The members change rarely, and a new signature takes seconds; so does another look at the price of gas. */
const ATTEMPTS_MAX = 3

/** One command that moves money, or that would: `perform` does one step of it. */
export interface MoneySession extends AsyncDisposable {
  readonly settings: StakeSettings
  readonly args: MoneyArgs
  /** For looking only, in steps that decide what to do next. */
  context(): Promise<MoneyContext>
  perform(step: MoneyStep): Promise<CommandOutcome>
}

/** Opens a session, performs one step and ends it. */
export async function runMoneyStep(args: MoneyArgs, step: MoneyStep): Promise<CommandOutcome> {
  await using session = await openMoneySession(args)
  return await session.perform(step)
}

/**
 * Chain, account and, for sending, the account's journal with what was left in it finished.
 * @throws {StakingError} whatever stops it: CHAIN_WRONG, TRANSACTION_PENDING, ACCOUNT_BUSY, …
 * @throws {CommandError} OPERATOR_UNKNOWN, SESSION_NODE_UNCONFIRMED
 */
export async function openMoneySession(args: MoneyArgs): Promise<MoneySession> {
  refuseContradiction(args)
  const settings = settingsOf(args)
  const operator = await operatorOf(args)
  refuseUnconfirmedSession(args, settings)
  const first = await connect(settings, operator)
  if (!args.send || args['dry-run'] || operator.account === undefined)
    return lookingSession(args, settings, operator, first)
  await createSecretFolder(settings.keysFolder)
  const account = operator.account(accessOptions(settings, first))
  const owner = { chainId: settings.chain.chainId, account: account.address }
  const journal = await openJournal(settings.keysFolder, owner)
  try {
    const components = senderComponents(args, journal)
    // Shared by all steps: what was left over is told of by the step that it was for.
    const resumed = [...(await resume(account, components, { replace: args.replace }))]
    return {
      ...{ settings, args },
      context: () => connect(settings, operator),
      perform: async (step) => await performSending({ args, account, journal, resumed, operator, settings }, step),
      [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
    }
  } catch (error) {
    await journal[Symbol.asyncDispose]()
    throw error
  }
}

/** Signs nothing: shows what would be sent, or hands it out to be signed elsewhere. */
function lookingSession(
  args: MoneyArgs,
  settings: StakeSettings,
  operator: OperatorAccess,
  first: MoneyContext,
): MoneySession {
  return {
    ...{ settings, args },
    context: () => connect(settings, operator),
    async perform(step) {
      const journals = await readJournals(settings.keysFolder, settings.chain.chainId)
      const own = journals.find(({ account }) => account === first.view.address.toLowerCase())
      await refuseUnfinished(first.view, { entries: () => own?.entries ?? [] })
      const context = await connect(settings, operator)
      const prepared = await step.prepare(context)
      if (prepared.kind === 'nothing') return prepared.outcome
      // A Safe has an order of its own. Another account's would be signed for a place that something under way has.
      const isPlaced = !args['dry-run'] && args['unsigned-form'] !== 'safe'
      if (isPlaced) await nextPlace(context.view, { entries: () => own?.entries ?? [] }, defaultPatience.takenMs)
      // Elsewhere, another account may pay: a Safe holds no ether.
      const plan = await planCalls(context.view, prepared.calls, { paysGas: operator.account !== undefined })
      if (args['dry-run']) return dryRunOutcome(context, prepared, plan)
      return await unsignedOutcome(args, context, prepared, plan)
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

interface Sending {
  readonly args: MoneyArgs
  readonly settings: StakeSettings
  readonly operator: OperatorAccess
  readonly account: OperatorAccount
  readonly journal: TransactionJournal
  readonly resumed: JournalEntry[]
}

async function performSending(sending: Sending, step: MoneyStep): Promise<CommandOutcome> {
  const { args, resumed } = sending
  const done = await resumedStep(sending, step)
  if (done !== undefined) {
    const sent = [...resumed.splice(0).filter((entry) => entry !== done), done]
    return await sentOutcome(sending, step, sent, { resumed: true, plan: undefined, lines: [], next: undefined })
  }
  const sent: JournalEntry[] = []
  let agreed: Agreement | undefined
  for (let attempt = 1; ; attempt++) {
    const context = await connect(sending.settings, sending.operator)
    const prepared = await step.prepare(context)
    if (prepared.kind === 'nothing') return prepared.outcome
    try {
      const plan = await planCalls(context.view, prepared.calls, { paysGas: true })
      refuseGasCost(plan.gasCostMaxWei, gasCostMaxWei(args))
      const lines = planLines(context, prepared, plan)
      agreed = await agreement(args, agreed, { prepared, plan, lines })
      sent.push(...resumed.splice(0))
      const components = senderComponents(args, sending.journal)
      const { maxFeePerGas, maxPriorityFeePerGas } = plan
      for (const { call, gas } of plan.calls) {
        sent.push(await sendCall(sending.account, components, call, { gas, maxFeePerGas, maxPriorityFeePerGas }))
      }
      const told = { resumed: false, plan: planResult(context, prepared, plan), lines, next: prepared.next }
      return await sentOutcome(sending, step, sent, told)
    } catch (error) {
      // Nothing was signed for the call that is meant, so it can be prepared anew.
      const reason = reasonToLookAgain(error)
      if (reason === undefined || attempt >= ATTEMPTS_MAX) throw error
      progress(reason)
    }
  }
}

/** Whether an earlier command has signed this very step: then it is told of, and not done again. */
async function resumedStep(
  { resumed, settings, operator }: Sending,
  step: MoneyStep,
): Promise<JournalEntry | undefined> {
  const alike = resumed.filter(({ purpose }) => purpose === step.purpose)
  if (alike.length === 0 || step.isSame === undefined) return alike.at(-1)
  const context = await connect(settings, operator)
  for (const entry of alike.toReversed()) if (await step.isSame(context, entry)) return entry
  return undefined
}

async function sentOutcome(
  { settings, account, operator }: Sending,
  step: MoneyStep,
  sent: readonly JournalEntry[],
  told: {
    resumed: boolean
    plan: Readonly<Record<string, unknown>> | undefined
    lines: readonly string[]
    next: string | undefined
  },
): Promise<CommandOutcome> {
  const last = sent.at(-1)
  // The last is what was asked for; those before it made way, or were left over.
  const finished = last === undefined ? undefined : await step.finish?.(await connect(settings, operator), last)
  const hash = last?.minedHash ?? null
  return {
    result: {
      outcome: step.outcome,
      sent: true,
      resumed: told.resumed,
      ...(told.plan === undefined ? {} : { plan: told.plan }),
      transactions: sent.map(transactionResult),
      transaction: hash,
      blockNumber: last?.blockNumber?.toString() ?? null,
      next: told.next ?? null,
      ...finished?.result,
    },
    lines: [
      ...told.lines,
      ...(told.resumed ? ['An earlier command signed this; nothing new was signed.'] : []),
      ...sent.map(({ title, blockNumber, minedHash }) => `Done in block ${blockNumber}: ${title} (${minedHash})`),
      ...(finished?.lines ?? (told.next === undefined ? [] : [`Next: ${told.next}`])),
    ],
    afterPrinting: async () => {
      await using journal = await openJournal(settings.keysFolder, {
        chainId: settings.chain.chainId,
        account: account.address,
      })
      await acknowledge(journal)
    },
  }
}

async function connect(settings: StakeSettings, operator: OperatorAccess): Promise<MoneyContext> {
  const signal = withDeadline(CHECKS_TIMEOUT_MS)
  const providers = await connectToChain(settings.chain, signal)
  const { chainId, contract } = settings.chain
  const view = operator.view({ ...settings.chain, ...usableUrls(providers, settings.chain) })
  return { settings, target: { chainId, contract }, providers, view, signal }
}

function accessOptions(settings: StakeSettings, { providers }: MoneyContext) {
  return { ...settings.chain, ...usableUrls(providers, settings.chain) }
}

/** There, a member that does not run Session's software is removed within hours, and its stake is locked for 30 days. */
function refuseUnconfirmedSession(args: MoneyArgs, { chain }: StakeSettings): void {
  if (!isSessionContract(chain) || args['dry-run'] || args['beside-session-node']) return
  const message =
    "This is Session's own contract. A member that does not run Session's software is removed within hours, with its stake locked " +
    'for 30 days. If it runs beside this node with the same keys, say so with --beside-session-node; --dry-run only looks'
  throw new CommandError('SESSION_NODE_UNCONFIRMED', message)
}

/** Printing and sending are two wishes: one of them would be passed over in silence. */
function refuseContradiction(args: MoneyArgs): void {
  if (!args.send || args.unsigned === undefined || args['dry-run']) return
  throw new OptionsError('OPTION_INVALID', 'Give --send or --unsigned, not both')
}

const SIGNATURE_REFUSALS = ['InvalidBLSSignature', 'SignatureExpired', 'InsufficientBLSSignatures']

function reasonToLookAgain(error: unknown): string | undefined {
  if (!(error instanceof StakingError)) return undefined
  if (error.code === 'GAS_COST_TOO_HIGH' && error.details['limitWei'] === undefined) {
    return 'Gas has become dearer meanwhile; looking again'
  }
  // Somebody registered or left in between: the members' signature must be made anew.
  const isOutdated = SIGNATURE_REFUSALS.includes(String(error.details['contractError']))
  return isOutdated ? 'The members changed meanwhile; collecting their signatures again' : undefined
}
