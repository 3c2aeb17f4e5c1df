import type { CommandModule } from 'yargs'
import { type AccountFileArgs, accountFileFlags } from '../account/options.ts'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'

const createCommand: CommandModule<object, AccountFileArgs> = {
  command: 'create',
  describe: 'Create an account in a new file that only you can read, and print its id',
  builder: (yargs) =>
    yargs
      .options(accountFileFlags)
      .example('$0 account create --file alice.account', 'Create an account')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../account/account-file.ts')).createAccount(args)),
}

const showCommand: CommandModule<object, AccountFileArgs> = {
  command: 'show',
  describe: 'Print the id of an account, for others to write to',
  builder: (yargs) =>
    yargs
      .options(accountFileFlags)
      .example('$0 account show --file alice.account', 'Print its id')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../account/account-file.ts')).showAccount(args)),
}

export const accountCommand: CommandModule = {
  command: 'account <command>',
  describe: 'An account that messages are sent from and to',
  builder: (yargs) =>
    yargs
      .command(createCommand)
      .command(showCommand)
      .demandCommand(1)
      .strict()
      .example('$0 account create --file alice.account', 'Create an account')
      .epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
