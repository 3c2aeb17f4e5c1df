import type { Argv } from 'yargs'
import { CodedError } from '../base/coded-error.ts'
import { CommandError, describeFailure, jsonLine, jsonOfError, writeFailure } from './command-outcome.ts'
import { nearestName } from './config/nearest-name.ts'
import { exitCodeOf } from './exit-codes.ts'
import { createParser } from './parser.ts'

const HELP_WIDTH_MAX = 120

/** Runs the command that these words call, and sets the exit code. Whatever fails is told, never thrown. */
export async function runProgram(words: readonly string[]): Promise<void> {
  try {
    const parser = await createParser(words)
    await parser
      .wrap(Math.min(HELP_WIDTH_MAX, process.stdout.columns ?? HELP_WIDTH_MAX))
      .fail((message, error) => {
        throw error ?? usageError(message, words, flagsOf(parser))
      })
      .parseAsync()
  } catch (error) {
    // From before the command runs, such as a configuration file that cannot be read.
    refuse(error, words)
  }
}

/** Says for people and, with --json, for scripts what was wrong. */
function refuse(error: unknown, words: readonly string[]): void {
  const text = error instanceof CodedError ? error.message : describeFailure(error)
  writeFailure(`starling: ${text}\n`)
  if (error instanceof CommandError) {
    process.stderr.write('`starling --help` and `starling COMMAND --help` tell what there is\n')
  }
  if (words.includes('--json')) process.stdout.write(`${jsonLine({ error: jsonOfError(error) })}\n`)
  process.exitCode = exitCodeOf(error)
}

/** What yargs refuses, in words that say what may have been meant. */
function usageError(message: string, words: readonly string[], flags: readonly string[]): CommandError {
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ')
  return new CommandError('USAGE', unknown === undefined ? explained(message, words) : unknownFlags(unknown, flags))
}

function unknownFlags(unknown: readonly string[], flags: readonly string[]): string {
  // What has a dash comes a second time in camel case.
  const told = unknown.filter((word) => !unknown.some((other) => other !== word && camelCase(other) === word))
  const hints = told.map((word) => nearestName(word, flags)).filter((name) => name !== undefined)
  const sentence = `Unknown argument${told.length === 1 ? '' : 's'}: ${told.join(', ')}`
  return hints.length === 0 ? sentence : `${sentence}. Did you mean ${hints.map((name) => `--${name}`).join(', ')}?`
}

function explained(message: string, words: readonly string[]): string {
  const typed = words.filter((word) => !word.startsWith('-')).join(' ')
  if (message.startsWith('Did you mean ')) return `There is no command ${typed}. ${message}`
  if (message.startsWith('Not enough non-option arguments')) {
    return `The command ${typed} needs more words; \`starling ${typed} --help\` lists them`
  }
  return message
}

function camelCase(word: string): string {
  return word.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** The names of all flags of the command that is being parsed. */
function flagsOf(parser: Argv): readonly string[] {
  const options = 'getOptions' in parser && typeof parser.getOptions === 'function' ? parser.getOptions() : {}
  return Object.keys(options.key ?? {})
}
