#!/usr/bin/env node
import { hideBin } from 'yargs/helpers'
import { CodedError } from '../base/coded-error.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { createParser } from './parser.ts'

const HELP_WIDTH_MAX = 120

try {
  const parser = await createParser(hideBin(process.argv))
  await parser
    .wrap(Math.min(HELP_WIDTH_MAX, process.stdout.columns ?? HELP_WIDTH_MAX))
    .fail((message, error) => refuse(message, error))
    .parseAsync()
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
