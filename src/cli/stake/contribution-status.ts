import { type DurationMs, MINUTE } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import { readPool } from '../../staking/contribution/pool.ts'
import { readToken } from '../../staking/operator/contract-facts.ts'
import { createOperatorView } from '../../staking/operator-account.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { connectToChain, settingsOf, usableUrl } from './chain.ts'
import { poolResult, poolRows } from './contribution.ts'
import type { PoolStatusArgs } from './contribution-options.ts'
import { addressOf } from './operator-access.ts'
import { rows } from './presentation.ts'
import { tokensText } from './reward-facts.ts'

const TIMEOUT_MS: DurationMs = MINUTE

const NEXT = {
  'awaiting-operator': 'the operator contributes first: starling stake contribution contribute',
  open: 'starling stake contribution contribute',
  full: 'the operator registers it: starling stake contribution finalize',
  registered: 'starling stake status',
} as const

/** What a pooled stake holds, and what is next. Reads only. */
export async function contributionStatus(args: PoolStatusArgs): Promise<CommandOutcome> {
  const { chain } = settingsOf(args)
  const pool = addressOf(args.pool)
  const providers = await connectToChain(chain, withDeadline(TIMEOUT_MS))
  const view = createOperatorView(pool, { ...chain, rpcUrl: usableUrl(providers, chain) })
  const [facts, token] = await Promise.all([readPool(view, pool), readToken(view, chain)])
  const shares = facts.shares.map(({ address, beneficiary, amountAtomic }) => ({
    ...{ address, beneficiary },
    amountAtomic: amountAtomic.toString(),
  }))
  return {
    result: { ...poolResult(facts), shares, next: NEXT[facts.status] },
    lines: [
      ...rows([
        ...poolRows(facts, token),
        [
          'Places',
          `${facts.shares.length} of ${facts.contributorsMax} taken; the next pays ${tokensText(facts.minimumAtomic, token)} or more`,
        ],
        ...facts.shares.map(
          ({ address, amountAtomic }) => ['Contributor', `${address}: ${tokensText(amountAtomic, token)}`] as const,
        ),
      ]),
      `Next: ${NEXT[facts.status]}`,
    ],
  }
}
