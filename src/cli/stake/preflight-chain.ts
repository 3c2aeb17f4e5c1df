import { type DurationMs, HOUR, MINUTE, SECOND } from '../../base/clock.ts'
import { type ChainProvider, createChainProvider } from '../../staking/chain-provider.ts'
import { type ChainBlock, malformed } from '../../staking/chain-reply.ts'
import { readMemberCount, readOpening, readRegistrationCap } from '../../staking/operator/contract-facts.ts'
import { createOperatorView } from '../../staking/operator-account.ts'
import { checkChainOptions } from '../../staking/options.ts'
import { createRpcClient } from '../../staking/rpc-client.ts'
import { EXIT } from '../exit-codes.ts'
import { fail, ok, once, skipped, warn } from '../finding.ts'
import { connectToChain, isSessionContract, usableUrl } from './chain.ts'
import type { Check, PreflightContext } from './preflight-check.ts'
import { durationText } from './presentation.ts'

/** On a public chain a head this old means a provider that hangs, or a chain that does. */
const HEAD_AGE_WARN_MS: DurationMs = 2 * MINUTE
/** From here on members stop signing (docs/staking.md). */
const FINALIZED_AGE_WARN_MS: DurationMs = HOUR
/** Blocks must not come from the future; this much is what clocks differ by. */
const CLOCK_TOLERANCE_MS: DurationMs = 30 * SECOND
/** With fewer members, none may be silent: one dead node blocks every exit. */
const MEMBERS_SAFE = 4
const NOBODY = '0x0000000000000000000000000000000000000000'

/** The chain, its providers and the contract. */
export function chainChecks({ settings, clock, signal }: PreflightContext): readonly Check[] {
  const { chain } = settings
  const target = { chainId: chain.chainId, contract: chain.contract }
  const providers = once(async () => {
    checkChainOptions(chain)
    return chain.rpcUrls.map((url, index) => createChainProvider(createRpcClient({ clock }, { ...chain, url }), index))
  })
  const connected = once(async () => await connectToChain(chain, signal))
  const view = once(async () => createOperatorView(NOBODY, { ...chain, rpcUrl: usableUrl(await connected(), chain) }))
  const newest = once(async () => await blockOf(await firstOf(await providers()), 'latest', signal))
  return [
    {
      id: 'chain-id',
      title: 'Chain id',
      exitCode: EXIT.chain,
      async run() {
        const ids = await Promise.all((await providers()).map((provider) => provider.chainId(signal)))
        const wrong = ids.find((id) => id !== BigInt(chain.chainId))
        if (wrong === undefined) return ok(`${chain.chainId}, from each provider`)
        return fail(`A provider serves chain ${wrong}, not ${chain.chainId}`, 'Give RPC URLs of the right chain')
      },
    },
    {
      id: 'contract',
      title: 'Contract',
      exitCode: EXIT.chain,
      async run() {
        const looked = await connected()
        if (!looked.status().some(({ healthy }) => healthy)) {
          return fail('No provider could be asked', 'Look at the RPC URLs and at the connection of this machine')
        }
        return ok(`${chain.contract} has the tag of a staking contract at this place on this chain`)
      },
    },
    {
      id: 'providers-count',
      title: 'Providers',
      exitCode: EXIT.chain,
      async run() {
        const { length } = chain.rpcUrls
        if (length > 1) return ok(`${length}`)
        return warn('1, which is trusted blindly', 'Give --rpc a second time, with a provider of another vendor')
      },
    },
    {
      id: 'providers-agree',
      title: 'Agreement',
      exitCode: EXIT.chain,
      run: async () => await agreement(await providers(), signal),
    },
    {
      id: 'head-age',
      title: 'Newest block',
      exitCode: EXIT.chain,
      async run() {
        const { number, timestampS } = await newest()
        const age = clock.nowMs() - Number(timestampS) * SECOND
        if (age <= HEAD_AGE_WARN_MS) return ok(`${number}`)
        return warn(
          `${number} is ${durationText(age)} old`,
          'The chain stands still, or the provider hangs: try another',
        )
      },
    },
    {
      id: 'finalized-age',
      title: 'Final block',
      exitCode: EXIT.chain,
      async run() {
        const { number, timestampS } = await blockOf(await firstOf(await providers()), 'finalized', signal)
        const age = clock.nowMs() - Number(timestampS) * SECOND
        if (age <= FINALIZED_AGE_WARN_MS) return ok(`${number}, ${durationText(Math.max(0, age))} old`)
        return warn(
          `${number} is ${durationText(age)} old`,
          'Wait: nothing becomes final, so no registration would either',
        )
      },
    },
    {
      id: 'clock',
      title: 'Clock',
      exitCode: EXIT.failure,
      async run() {
        const ahead = Number((await newest()).timestampS) * SECOND - clock.nowMs()
        if (ahead <= CLOCK_TOLERANCE_MS) return ok("not behind the chain's")
        return fail(`${durationText(ahead)} behind the chain's`, 'Set the clock, and keep it right with NTP')
      },
    },
    {
      id: 'contract-open',
      title: 'Registrations',
      exitCode: EXIT.tryLater,
      async run() {
        const { isStarted, isPaused } = await readOpening(await view(), target)
        if (!isStarted) return fail('The contract has not been started', 'Wait for its owner to start it')
        return isPaused ? fail('The contract is paused', 'Wait for its owner to end the pause') : ok('open')
      },
    },
    {
      id: 'registration-cap',
      title: 'Cap per block',
      exitCode: EXIT.tryLater,
      async run() {
        const { used, cap } = await readRegistrationCap(await view(), target)
        if (used < cap) return ok(`${cap} registrations in a block; at most ${used} were in the newest`)
        return warn(`all ${cap} places of a block are taken`, 'Try again in a minute')
      },
    },
    {
      id: 'members',
      title: 'Members',
      exitCode: EXIT.failure,
      async run() {
        const count = await readMemberCount(await view(), target)
        if (count >= MEMBERS_SAFE) return ok(String(count))
        const remedy = `Below ${MEMBERS_SAFE} members a single silent one blocks every exit and claim: stake when there are more`
        return warn(String(count), remedy)
      },
    },
    {
      id: 'session-software',
      title: 'Network',
      exitCode: EXIT.failure,
      async run() {
        if (!isSessionContract(chain)) return ok('a contract of its own')
        const remedy =
          "Only stake if Session's software runs beside this node with the same keys: else it is removed within hours, and the stake is locked for 30 days"
        return warn("Session's own contract", remedy)
      },
    },
  ]
}

/** Two providers must have the same block at a height that is final for both. */
async function agreement(providers: readonly ChainProvider[], signal: AbortSignal) {
  if (providers.length < 2) return skipped('there is one provider only')
  const finalized = await Promise.all(providers.map((provider) => blockOf(provider, 'finalized', signal)))
  const lowest = finalized.reduce((low, { number }) => (number < low ? number : low), finalized[0]?.number ?? 0n)
  const blocks = await Promise.all(providers.map((provider) => blockOf(provider, lowest, signal)))
  if (new Set(blocks.map(({ hash }) => hash)).size === 1) return ok(`on block ${lowest}`)
  return fail(`They have different blocks ${lowest}`, 'One of them lies or is broken: replace it')
}

async function blockOf(
  provider: ChainProvider,
  at: 'latest' | 'finalized' | bigint,
  signal: AbortSignal,
): Promise<ChainBlock> {
  const block = await provider.block(at, signal)
  if (block === undefined) throw malformed(`no block ${at}`)
  return block
}

async function firstOf(providers: readonly ChainProvider[]): Promise<ChainProvider> {
  const [first] = providers
  if (first === undefined) throw malformed('no provider')
  return first
}
