import { isIP } from 'node:net'
import { counted, duration } from '../../base/figures.ts'
import { EXIT } from '../exit-codes.ts'
import { fail, ok, skipped, warn } from '../finding.ts'
import { type DoctorCheck, fromPreflight, ofSection } from './check.ts'

// The chain, who tells of it, and the stake.

const URLS = 'Check staking.rpcUrls'

export const CHAIN_CHECKS: readonly DoctorCheck[] = [
  {
    id: 'provider-names',
    title: 'Names of providers',
    meaning: 'The names of the RPC providers can be resolved',
    exitCode: EXIT.chain,
    async run({ configuration: { options }, machine }) {
      if (options === undefined) return skipped('the configuration has problems')
      const hosts = options.node.staking.rpcUrls.map((url) => URL.parse(url)?.hostname ?? '')
      const names = [...new Set(hosts.filter((host) => host !== '' && isIP(host.replace(/^\[|\]$/g, '')) === 0))]
      if (names.length === 0) return skipped('there are addresses only')
      const found = await Promise.all(names.map((name) => machine.resolves(name)))
      const missing = names.filter((_, place) => found[place] !== true)
      if (missing.length === 0) return ok(names.join(', '))
      return fail(
        `${missing.join(', ')} cannot be resolved`,
        'Check the name servers of this machine (/etc/resolv.conf), and the names',
      )
    },
  },
  fromPreflight({
    id: 'providers-count',
    title: 'Providers',
    meaning: 'There are two RPC providers or more',
    exitCode: EXIT.chain,
  }),
  fromPreflight({
    id: 'chain-id',
    title: 'Chain id',
    meaning: 'Each RPC provider serves the right chain',
    exitCode: EXIT.chain,
  }),
  fromPreflight({
    id: 'contract',
    title: 'Contract',
    meaning: 'There is a staking contract at the address',
    exitCode: EXIT.chain,
  }),
  fromPreflight({
    id: 'providers-agree',
    title: 'Agreement',
    meaning: 'The RPC providers have the same final block',
    exitCode: EXIT.chain,
  }),
  fromPreflight({
    id: 'head-age',
    title: 'Newest block',
    meaning: 'The newest block is younger than two minutes',
    exitCode: EXIT.chain,
  }),
  fromPreflight({
    id: 'finalized-age',
    title: 'Final block',
    meaning: 'The newest final block is younger than an hour',
    exitCode: EXIT.chain,
  }),
  fromPreflight({
    id: 'session-software',
    title: 'Network',
    meaning: "The contract is not Session's own, whose members run other software",
    exitCode: EXIT.failure,
  }),
  {
    id: 'chain-followed',
    title: 'Chain, as the node sees it',
    meaning: 'The running node can follow the chain',
    exitCode: EXIT.chain,
    run: ofSection('chain', ({ lastError, isFrozen, lagMs, epoch }) => {
      if (lastError !== null) return fail(lastError, URLS)
      if (isFrozen) return warn(`nothing has become final for ${duration(lagMs ?? 0)}`, 'Wait, or try other providers')
      return epoch === null
        ? warn('no list has been read yet', 'Wait a minute')
        : ok(`epoch ${epoch}, ${duration(lagMs ?? 0)} behind`)
    }),
  },
  {
    id: 'providers-sound',
    title: 'Providers, as the node sees them',
    meaning: 'Every RPC provider answers as it should',
    exitCode: EXIT.chain,
    run: ofSection('chain', ({ providers, standing }) => {
      const faulty = providers.filter(({ isFaulty, lastError }) => isFaulty || lastError !== null)
      const seen = `${providers.length - faulty.length} of ${providers.length} sound`
      if (faulty.length === 0) return ok(seen)
      const told = `${seen} (${faulty.map(({ host, lastError }) => `${host}: ${lastError}`).join(', ')})`
      return standing === 'too-few' ? fail(told, URLS) : warn(told, URLS)
    }),
  },
  {
    id: 'provider-budget',
    title: 'Budget of requests',
    meaning: 'The node has not used up what it may ask of a provider',
    exitCode: EXIT.chain,
    run: ofSection('chain', ({ providers }) => {
      const spent = providers.filter(({ budgetLeft }) => budgetLeft < 1)
      if (spent.length === 0) return ok(`${counted(providers.length, 'provider')} with requests left`)
      const hosts = spent.map(({ host }) => host).join(', ')
      return warn(
        `none left for ${hosts}`,
        'Wait a minute; if it stays so, raise staking.requestsPerSecond as far as the provider allows',
      )
    }),
  },
  {
    id: 'contract-accepted',
    title: 'Code of the contract',
    meaning: 'The contract runs the code that was accepted',
    exitCode: EXIT.chain,
    run: ofSection('chain', ({ isContractAccepted }) => {
      if (isContractAccepted === null) return skipped('the node has not read it yet')
      return isContractAccepted
        ? ok('as accepted')
        : fail('it has changed', 'starling status says what to set once its owners told you why')
    }),
  },
  {
    id: 'stake',
    title: 'Stake',
    meaning: 'The stake is final, and nobody can have the node liquidated',
    exitCode: EXIT.stake,
    run: ofSection('stake', ({ state, sentence, nextCommand, dates }, { nowMs }) => {
      const remedy = nextCommand ?? 'starling stake status'
      if (state === 'active') return ok(sentence)
      if (state === 'leaving')
        return dates !== null && nowMs >= dates.liquidateMs ? fail(sentence, remedy) : warn(sentence, remedy)
      return state === 'pending-finality' || state === 'chain-unreachable'
        ? warn(sentence, remedy)
        : fail(sentence, remedy)
    }),
  },
  {
    id: 'rewards',
    title: 'Rewards',
    meaning: 'The ledger of rewards follows the chain',
    exitCode: EXIT.chain,
    run: ofSection('rewards', ({ lastError, period }, { node }) => {
      const told = node?.problems.find(({ code }) => code === 'REWARDS_TROUBLE')
      if (told !== undefined) return warn(told.reason, told.next)
      if (lastError !== null) return warn(lastError, URLS)
      return period === null ? skipped('there is no snapshot yet') : ok(`period ${period}`)
    }),
  },
]
