import type { Argv, CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { type LogLevelArgs, logLevelFlags } from '../log/options.ts'

const levelCommand: CommandModule<object, LogLevelArgs> = {
  command: 'level [levels..]',
  describe: 'Show what the running service node logs, or change it for a while: a level for all, or part=level',
  builder: (yargs) =>
    yargs
      .positional('levels', { type: 'string', array: true, default: [], describe: 'Such as debug, or swarm=debug' })
      .options(logLevelFlags)
      .example('$0 log level swarm=debug rpc=debug --for 10m', 'See more of two parts for ten minutes')
      .epilogue(EXIT_CODES_TEXT) as Argv<LogLevelArgs>,
  handler: (args) => runCommand(args, async () => (await import('../log/level.ts')).logLevel(args)),
}

export const logCommand: CommandModule = {
  command: 'log <command>',
  describe: "The running service node's log",
  builder: (yargs) =>
    yargs
      .command(levelCommand)
      .demandCommand(1)
      .strict()
      .example('$0 log level', 'Show what is logged')
      .epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
