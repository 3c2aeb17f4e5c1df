import { CodedError } from '../base/coded-error.ts'
import { isJournal, withPriority } from '../node/journal.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts'
import { createWaitingNotice } from './waiting-notice.ts'

/** What a command has to say, for scripts and for people. */
export interface CommandOutcome {
  /** For --json: one line. Numbers beyond a double's are text. */
  readonly result: Readonly<Record<string, unknown>>
  readonly lines: readonly string[]
  /** Ok when left out. */
  readonly exitCode?: ExitCode
  /** Done once the outcome has been written: until then, whoever is told must be told again. */
  readonly afterPrinting?: () => Promise<void>
}

export type CommandErrorCode =
  /** What was typed is no command, or lacks something, or has a flag or a value that the command does not take. */
  | 'USAGE'
  /** A confirmation is needed, but standard input is no terminal. */
  | 'CONFIRMATION_IMPOSSIBLE'
  /** The confirmation was not given. */
  | 'CONFIRMATION_REFUSED'
  /** The command must know the operator's address, from a flag or a key. */
  | 'OPERATOR_UNKNOWN'
  /** On Session's own contract nothing is signed or sent unless the operator says that Session's software runs beside this node. */
  | 'SESSION_NODE_UNCONFIRMED'

export class CommandError extends CodedError<CommandErrorCode> {}

/**
 * Runs a command, prints its outcome and sets the exit code. The result, or with --json the error too, goes to standard output; what
 * is said to people about a failure goes to standard error. One that is live prints for itself while it works.
 */
export async function runCommand(
  args: { json: boolean },
  work: () => Promise<CommandOutcome>,
  { isLive = false }: { readonly isLive?: boolean } = {},
): Promise<void> {
  try {
    const outcome = await (isLive ? work() : noticed(work))
    await written(args.json ? jsonLine(outcome.result) : outcome.lines.join('\n'))
    process.exitCode = outcome.exitCode ?? EXIT.ok
    await outcome.afterPrinting?.().catch(tellOnlyPeople)
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    tellOnlyPeople(error)
    if (args.json) process.stdout.write(`${jsonLine({ error: jsonOfError(error) })}\n`)
  }
}

/** What is not live says nothing until it is done, so somebody else has to say that it works. */
async function noticed(work: () => Promise<CommandOutcome>): Promise<CommandOutcome> {
  using _notice = createWaitingNotice()
  return await work()
}

/** What was done is printed. That it could not be noted down only means that it is told once more. */
function tellOnlyPeople(error: unknown): void {
  writeFailure(`${describeFailure(error)}\n`)
}

/** For people; and for those who ask the journal for errors. */
export function writeFailure(text: string): void {
  process.stderr.write(isJournal(2, process.env) ? withPriority('error', text) : text)
}

function written(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${text}\n`, () => resolve()))
}

/** What JSON leaves as it is although a terminal obeys it: DEL and the C1 controls, and what turns the direction of text. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** JSON on one line, in ASCII where a terminal would act on it: others' text may be in it. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE_IN_JSON,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function describeFailure(error: unknown): string {
  if (error instanceof CodedError) return `Error ${String(error.code)}: ${error.message}`
  // A fault of ours: whoever reports it needs the place.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  // An RPC provider's URL often holds a key.
  return `Internal error: ${text.replace(/https?:\/\/[^\s"')]+/g, '<URL>')}`
}

/** What scripts are told of a failure. */
export function jsonOfError(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof CodedError)) return { code: 'INTERNAL', message: 'Internal error' }
  return { code: error.code, message: error.message, details: error.details }
}
