import yargs, { type Argv } from 'yargs'
import { VERSION_TEXT } from '../node/version.ts'
import { accountCommand } from './commands/account.ts'
import { backupCommand, restoreCommand } from './commands/backup.ts'
import { keysCommand } from './commands/keys.ts'
import { receiveCommand } from './commands/receive.ts'
import { runCommand } from './commands/run.ts'
import { sendCommand } from './commands/send.ts'
import { stakeCommand } from './commands/stake.ts'
import { walletCommand } from './commands/wallet.ts'
import { EXIT_CODES_TEXT } from './exit-codes.ts'

/** All commands. They import what they need when they run, so that `--help` and the small ones start at once. */
export function createParser(words: readonly string[]): Argv {
  return (
    yargs([...words])
      .scriptName('starling')
      .parserConfiguration({ 'dot-notation': false, 'parse-positional-numbers': false })
      // Our own texts are English, so yargs' are too.
      .detectLocale(false)
      .command(runCommand)
      .command(keysCommand)
      .command(backupCommand)
      .command(restoreCommand)
      .command(walletCommand)
      .command(stakeCommand)
      .command(accountCommand)
      .command(sendCommand)
      .command(receiveCommand)
      .demandCommand(1, 'Name a command; `starling --help` lists them')
      .recommendCommands()
      .strict()
      .version(VERSION_TEXT)
      .exitProcess(false)
      .epilogue(EXIT_CODES_TEXT)
  )
}
