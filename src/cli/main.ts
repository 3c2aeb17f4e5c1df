#!/usr/bin/env node
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { CodedError } from '../base/coded-error.ts'
import { VERSION_TEXT } from '../node/version.ts'
import { accountCommand } from './commands/account.ts'
import { keysCommand } from './commands/keys.ts'
import { receiveCommand } from './commands/receive.ts'
import { runCommand } from './commands/run.ts'
import { sendCommand } from './commands/send.ts'
import { stakeCommand } from './commands/stake.ts'
import { EXIT, EXIT_CODES_TEXT, exitCodeOf } from './exit-codes.ts'

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
  .epilogue(EXIT_CODES_TEXT)
  .wrap(Math.min(HELP_WIDTH_MAX, process.stdout.columns ?? HELP_WIDTH_MAX))
  .fail((message, error) => refuse(message, error))

try {
  await parser.parseAsync()
} catch (error) {
  // From before the command runs, such as a configuration file that cannot be read.
  refuse(null, error)
}

/** What was typed is no command: says so for people and, with --json, for scripts. */
function refuse(message: string | null, error: unknown): never {
  const reason = message ?? (error instanceof Error ? error.message : String(error))
  process.stderr.write(`starling: ${reason}\n`)
  if (message !== null) process.stderr.write('`starling --help` and `starling COMMAND --help` tell what there is\n')
  if (process.argv.includes('--json')) {
    const code = error instanceof CodedError ? String(error.code) : 'USAGE'
    process.stdout.write(`${JSON.stringify({ error: { code, message: reason, details: {} } })}\n`)
  }
  process.exit(error instanceof Error ? exitCodeOf(error) : EXIT.usage)
}
