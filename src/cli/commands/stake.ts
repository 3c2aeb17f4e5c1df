import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { type ChainArgs, chainFlags, type RegisterArgs, registerFlags } from '../stake/options.ts'

const registerCommand: CommandModule<object, RegisterArgs> = {
  command: 'register',
  describe: 'Stake for this service node: check, show, ask, send',
  builder: (yargs) => yargs.options(registerFlags),
  handler: (args) => runCommand(args, async () => (await import('../stake/register.ts')).registerStake(args)),
}

const statusCommand: CommandModule<object, ChainArgs> = {
  command: 'status',
  describe: 'Show where this service node stands in the contract',
  builder: (yargs) => yargs.options(chainFlags),
  handler: (args) => runCommand(args, async () => (await import('../stake/status.ts')).stakeStatus(args)),
}

export const stakeCommand: CommandModule = {
  command: 'stake <command>',
  describe: "This operator's stake",
  builder: (yargs) => yargs.command(registerCommand).command(statusCommand).demandCommand(1).strict(),
  handler: () => {},
}
