import type { CommandModule } from 'yargs'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import {
  type ContributeArgs,
  contributeFlags,
  type DeployArgs,
  deployFlags,
  type PoolStatusArgs,
  type PoolStepArgs,
  poolStatusFlags,
  poolStepFlags,
} from '../stake/contribution-options.ts'
import { chainFlags, moneyFlags } from '../stake/options.ts'
import { stakeSubcommand } from './stake-subcommand.ts'

const CHAIN = '--config /etc/starling/starling.yml'
const SEND = '--keystore operator.json --send'
const POOL = '--pool 0x…'

const deployCommand = stakeSubcommand<DeployArgs>({
  name: 'deploy',
  describe: 'Open a pooled stake for this service node',
  flags: { ...chainFlags, ...deployFlags, ...moneyFlags },
  example: [`contribution deploy ${CHAIN} --fee 500 ${SEND}`, 'Five percent of the rewards to the operator'],
  run: async (args) => (await import('../stake/contribution.ts')).deployPool(args),
})

const contributeCommand = stakeSubcommand<ContributeArgs>({
  name: 'contribute',
  describe: 'Pay a part of a pooled stake; the operator pays first',
  flags: { ...chainFlags, ...contributeFlags, ...moneyFlags },
  example: [`contribution contribute ${CHAIN} ${POOL} --amount 6250 ${SEND}`, 'A quarter of the stake'],
  run: async (args) => (await import('../stake/contribution.ts')).contribute(args),
})

const withdrawCommand = stakeSubcommand<PoolStepArgs>({
  name: 'withdraw',
  describe: 'Take a contribution back, while the node is not registered',
  flags: { ...chainFlags, ...poolStepFlags, ...moneyFlags },
  example: [`contribution withdraw ${CHAIN} ${POOL} ${SEND}`, 'A day after it was made, or later'],
  run: async (args) => (await import('../stake/contribution.ts')).withdrawContribution(args),
})

const finalizeCommand = stakeSubcommand<PoolStepArgs>({
  name: 'finalize',
  describe: 'Register the service node with a full pooled stake',
  flags: { ...chainFlags, ...poolStepFlags, ...moneyFlags },
  example: [`contribution finalize ${CHAIN} ${POOL} ${SEND}`, 'For a pool that is registered by hand'],
  run: async (args) => (await import('../stake/contribution.ts')).finalizePool(args),
})

const statusCommand = stakeSubcommand<PoolStatusArgs>({
  name: 'status',
  describe: 'Show what a pooled stake holds, and what is next',
  flags: { ...chainFlags, ...poolStatusFlags },
  example: [`contribution status ${CHAIN} --pool 0x…`, 'Who has paid what'],
  run: async (args) => (await import('../stake/contribution-status.ts')).contributionStatus(args),
})

export const contributionCommand: CommandModule = {
  command: 'contribution <command>',
  describe: 'Stakes that several contributors make up together',
  builder: (yargs) =>
    yargs
      .command(deployCommand)
      .command(contributeCommand)
      .command(withdrawCommand)
      .command(finalizeCommand)
      .command(statusCommand)
      .demandCommand(1)
      .strict()
      .example(`$0 stake contribution status ${CHAIN} ${POOL}`, 'Who has paid what')
      .epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
