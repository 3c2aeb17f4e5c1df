import { getAddress } from 'viem'
import { DAY, type DurationMs, HOUR, MINUTE, type TimestampMs } from '../../base/clock.ts'
import type { JournalEntry } from '../../staking/operator/journal-entry.ts'
import type { CallPlan } from '../../staking/operator/plan.ts'
import type { Bid } from '../../staking/operator/sender.ts'
import { wholeUnits } from '../../staking/token-amount.ts'
import type { MoneyContext, PreparedCalls } from './money-step.ts'

// How money steps, dates and transactions are shown: once for people, once for scripts.

const ETHER_DECIMALS = 18
const LABEL_WIDTH = 13

export function planLines(
  { target }: Pick<MoneyContext, 'target'>,
  prepared: PreparedCalls,
  plan: CallPlan,
): readonly string[] {
  const waiting = plan.calls.filter(({ simulation }) => simulation === 'after')
  const simulation =
    waiting.length === 0 ? 'succeeded' : 'succeeded, as far as it can before the first transaction is mined'
  return [
    ...rows([
      ['Chain', String(plan.chainId)],
      ['Contract', getAddress(target.contract)],
      ['Account', plan.from],
      ...prepared.facts,
      ...plan.calls.map(({ call, gas }, index) => {
        const label = index === 0 ? 'Transactions' : ''
        return [label, `${index + 1}. ${call.title} (to ${getAddress(call.to)}, gas ${gas})`] as const
      }),
      ['Gas', `${plan.gas}, at most ${ether(plan.gasCostMaxWei)}; the account holds ${ether(plan.balanceWei)}`],
      ['Simulation', simulation],
    ]),
    ...prepared.warnings,
  ]
}

/** What is offered anew for a transaction that is stuck. */
export function bidLines({ entry, maxFeePerGas, gasCostMaxWei }: Bid): readonly string[] {
  const last = entry.attempts.at(-1)
  return rows([
    ['Stuck', `${entry.title} (${last?.hash}, to ${getAddress(entry.to)})`],
    ['Offered', `at most ${ether(entry.gas * (last?.maxFeePerGas ?? 0n))}`],
    ['Offer now', `at most ${ether(gasCostMaxWei)}, ${maxFeePerGas} wei for each of ${entry.gas} gas`],
  ])
}

export function planResult(
  { target }: Pick<MoneyContext, 'target'>,
  prepared: PreparedCalls,
  plan: CallPlan,
): Readonly<Record<string, unknown>> {
  return {
    chainId: plan.chainId,
    contract: target.contract,
    operator: plan.from,
    ...prepared.result,
    transactions: plan.calls.map(({ call, data, gas, simulation }) => ({
      ...{ purpose: call.purpose, title: call.title, to: call.to, value: '0', data },
      ...{ gas: gas.toString(), simulation: simulation === 'succeeded' ? simulation : 'after-the-one-before' },
    })),
    gas: plan.gas.toString(),
    gasCostMaxWei: plan.gasCostMaxWei.toString(),
    simulation: 'succeeded',
  }
}

/** A transaction of a journal, for scripts. */
export function transactionResult(entry: JournalEntry): Readonly<Record<string, unknown>> {
  return {
    purpose: entry.purpose,
    hash: entry.minedHash ?? entry.attempts.at(-1)?.hash ?? null,
    blockNumber: entry.blockNumber?.toString() ?? null,
    nonce: entry.nonce,
    outcome: entry.outcome,
  }
}

export function rows(facts: readonly (readonly [label: string, text: string])[]): readonly string[] {
  return facts.map(([label, text]) => `${label.padEnd(LABEL_WIDTH)}${text}`)
}

export function ether(wei: bigint): string {
  return `${wholeUnits(wei, ETHER_DECIMALS)} ether`
}

/** "2026-12-08 03:10 UTC". */
export function dateText(timestampMs: TimestampMs): string {
  const date = new Date(timestampMs)
  // The contract's integers reach beyond what a date can be.
  if (Number.isNaN(date.getTime())) return 'an impossible date'
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** "2026-12-08 03:10 UTC, in 14 d 3 h". */
export function countdown(timestampMs: TimestampMs, nowMs: TimestampMs): string {
  const left = timestampMs - nowMs
  return left <= 0 ? `${dateText(timestampMs)}, over` : `${dateText(timestampMs)}, in ${durationText(left)}`
}

export function durationText(ms: DurationMs): string {
  const days = Math.floor(ms / DAY)
  const hours = Math.floor((ms % DAY) / HOUR)
  // Rounded up: what ends within a minute has not ended.
  const minutes = Math.ceil((ms % HOUR) / MINUTE)
  if (days > 0) return `${days} d ${hours} h`
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min`
}
