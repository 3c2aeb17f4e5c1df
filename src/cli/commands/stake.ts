import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { type ChainArgs, chainFlags, type RegisterArgs, registerFlags } from '../stake/options.ts'

const registerCommand: CommandModule<object, RegisterArgs> = {
  command: 'register',
  describe: 'Stake for this service node: check, show, ask, send',
  builder: (yargs) =>
    yargs
      .options(registerFlags)
      .example(
        '$0 stake register --rpc https://rpc.example --contract 0x… --chain-id 42161 --operator-key-file operator --dry-run',
        'Check everything, send nothing',
      )
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../stake/register.ts')).registerStake(args)),
}

const statusCommand: CommandModule<object, ChainArgs> = {
  command: 'status',
  describe: 'Show where this service node stands in the contract',
  builder: (yargs) =>
    yargs
      .options(chainFlags)
      .example('$0 stake status --rpc https://rpc.example --contract 0x… --chain-id 42161', 'Where this node stands')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../stake/status.ts')).stakeStatus(args)),
}

export const stakeCommand: CommandModule = {
  command: 'stake <command>',
  describe: "This operator's stake",
  builder: (yargs) =>
    yargs.command(registerCommand).command(statusCommand).demandCommand(1).strict().epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
