import type { CommandModule } from 'yargs'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import {
  type ChainArgs,
  type ClaimArgs,
  chainFlags,
  claimFlags,
  type ExitArgs,
  exitFlags,
  type LiquidateArgs,
  liquidateFlags,
  type MoneyArgs,
  moneyFlags,
  type PreflightArgs,
  preflightFlags,
  type RegisterArgs,
  type RewardsArgs,
  recipientFlags,
  registerFlags,
  signatureFlags,
  type UnstakeArgs,
  unstakeFlags,
} from '../stake/options.ts'
import { contributionCommand } from './contribution.ts'
import { stakeSubcommand } from './stake-subcommand.ts'

const CHAIN = '--config /etc/starling/starling.yml'

const preflightCommand = stakeSubcommand<PreflightArgs>({
  name: 'preflight',
  describe: 'Check all that a registration needs: chain, contract, keys, account, this machine',
  flags: { ...chainFlags, ...preflightFlags },
  example: [`preflight ${CHAIN} --operator 0x…`, 'Before staking: what is missing, and what mends it'],
  run: async (args) => (await import('../stake/preflight.ts')).preflight(args),
})

const registerCommand = stakeSubcommand<RegisterArgs>({
  name: 'register',
  describe: 'Stake for this service node, alone: check, show, then print or send',
  flags: { ...chainFlags, ...registerFlags, ...moneyFlags },
  example: [`register ${CHAIN} --operator 0x…`, 'Print the transactions for a hardware wallet'],
  run: async (args) => (await import('../stake/register.ts')).registerStake(args),
})

const statusCommand = stakeSubcommand<ChainArgs>({
  name: 'status',
  describe: 'Show where this service node stands in the contract, and what is under way',
  flags: chainFlags,
  example: ['status --rpc https://rpc.example --network mainnet', 'Where this node stands'],
  run: async (args) => (await import('../stake/status.ts')).stakeStatus(args),
})

const requestExitCommand = stakeSubcommand<MoneyArgs>({
  name: 'request-exit',
  describe: 'Ask for this service node to leave; there is no way back',
  flags: { ...chainFlags, ...moneyFlags },
  example: [`request-exit ${CHAIN} --keystore operator.json --send`, 'Begin the two weeks until the exit'],
  run: async (args) => (await import('../stake/request-exit.ts')).requestExit(args),
})

const exitCommand = stakeSubcommand<ExitArgs>({
  name: 'exit',
  describe: "Take this service node out, with the members' signatures that the running node collects",
  flags: { ...chainFlags, ...exitFlags, ...signatureFlags, ...moneyFlags },
  example: [`exit ${CHAIN} --keystore operator.json --send`, 'When the wait after the request is over'],
  run: async (args) => (await import('../stake/exit.ts')).exitNode(args),
})

const rewardsCommand = stakeSubcommand<RewardsArgs>({
  name: 'rewards',
  describe: 'Show what an account has earned, was paid, and can claim',
  flags: { ...chainFlags, ...recipientFlags, ...signatureFlags },
  example: [`rewards ${CHAIN} --operator 0x…`, 'What can be claimed'],
  run: async (args) => (await import('../stake/rewards.ts')).showRewards(args),
})

const claimCommand = stakeSubcommand<ClaimArgs>({
  name: 'claim',
  describe: 'Pay rewards and returned stakes out to the account',
  flags: { ...chainFlags, ...claimFlags, ...signatureFlags, ...moneyFlags },
  example: [`claim ${CHAIN} --keystore operator.json --send`, 'Claim all that can be had now'],
  run: async (args) => (await import('../stake/claim.ts')).claimRewards(args),
})

const liquidateCommand = stakeSubcommand<LiquidateArgs>({
  name: 'liquidate',
  describe: 'Remove a service node that broke the rules; without --send it is only tried out',
  flags: { ...chainFlags, ...liquidateFlags, ...signatureFlags, ...moneyFlags },
  example: [
    `liquidate ${CHAIN} --operator 0x… --node 17 --dry-run`,
    'Whether the members would sign, and what it pays',
  ],
  run: async (args) => (await import('../stake/liquidate.ts')).liquidateNode(args),
})

const unstakeCommand = stakeSubcommand<UnstakeArgs>({
  name: 'unstake',
  describe: 'Get the stake back: request, wait, exit, claim; each run does what can be done now',
  flags: { ...chainFlags, ...unstakeFlags, ...signatureFlags, ...moneyFlags },
  example: [`unstake ${CHAIN} --keystore operator.json --send`, 'The next step, and when the one after it is possible'],
  run: async (args) => (await import('../stake/unstake.ts')).unstake(args),
})

export const stakeCommand: CommandModule = {
  command: 'stake <command>',
  describe: "This operator's stake",
  builder: (yargs) =>
    yargs
      .command(preflightCommand)
      .command(registerCommand)
      .command(statusCommand)
      .command(requestExitCommand)
      .command(exitCommand)
      .command(rewardsCommand)
      .command(claimCommand)
      .command(liquidateCommand)
      .command(unstakeCommand)
      .command(contributionCommand)
      .demandCommand(1)
      .strict()
      .example(`$0 stake preflight ${CHAIN} --operator 0x…`, 'What is missing for a stake')
      .epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
