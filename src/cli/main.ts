#!/usr/bin/env node
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { VERSION_TEXT } from '../node/version.ts'
import { accountCommand } from './commands/account.ts'
import { keysCommand } from './commands/keys.ts'
import { receiveCommand } from './commands/receive.ts'
import { runCommand } from './commands/run.ts'
import { sendCommand } from './commands/send.ts'
import { stakeCommand } from './commands/stake.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'

const HELP_WIDTH_MAX = 120

// Commands import what they need when they run, so that `--help` and the small ones start at once.
const parser = yargs(hideBin(process.argv))
  .scriptName('starling')
  .parserConfiguration({ 'dot-notation': false, 'parse-positional-numbers': false })
  .command(runCommand)
  .command(keysCommand)
  .command(stakeCommand)
  .command(accountCommand)
  .command(sendCommand)
  .command(receiveCommand)
  .demandCommand(1, 'Name a command; `starling --help` lists them')
  .recommendCommands()
  .strict()
  .version(VERSION_TEXT)
  .exitProcess(false)
  .wrap(Math.min(HELP_WIDTH_MAX, process.stdout.columns ?? HELP_WIDTH_MAX))
  .fail((message, error) => {
    process.stderr.write(`starling: ${message ?? error.message}\n`)
    if (message) process.stderr.write('`starling --help` and `starling COMMAND --help` tell what there is\n')
    process.exitCode = error === undefined ? EXIT.usage : exitCodeOf(error)
    process.exit()
  })

await parser.parseAsync()
