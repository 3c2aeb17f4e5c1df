import { type DurationMs, MINUTE, SECOND, systemClock } from '../../base/clock.ts'
import { CodedError } from '../../base/coded-error.ts'
import { raceSignal, withDeadline } from '../../base/deadline.ts'
import { counted } from '../../base/figures.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.ts'
import { type Finding, warn } from '../finding.ts'
import type { DoctorCheck, DoctorContext } from './check.ts'
import { DOCTOR_CHECKS } from './checks.ts'
import { readContext } from './context.ts'
import { createMachine } from './machine.ts'
import type { DoctorArgs } from './options.ts'

/** Of the form of what `--json` prints. */
const DOCTOR_VERSION = 1
const CHECK_MAX_MS: DurationMs = 15 * SECOND
const ALL_MAX_MS: DurationMs = MINUTE

export interface CheckResult extends Finding {
  readonly id: string
  readonly title: string
  readonly exitCode: ExitCode
}

/** Looks at everything that can be wrong with a node and its machine, and says what mends it. Changes nothing. */
export async function examine(args: DoctorArgs): Promise<CommandOutcome> {
  const signal = withDeadline(ALL_MAX_MS)
  const telling = tellProgress()
  try {
    const context = await readContext(args, { clock: systemClock, machine: createMachine(), signal })
    const results = await Promise.all(DOCTOR_CHECKS.map((check) => resultOf(check, context)))
    return outcomeOf(results, args)
  } finally {
    clearTimeout(telling)
  }
}

/** People who wait for longer than a second are told for what. */
function tellProgress(): NodeJS.Timeout {
  return setTimeout(() => {
    process.stderr.write(`Making ${DOCTOR_CHECKS.length} checks; providers of the chain may take some seconds\n`)
  }, SECOND)
}

/** One that hangs or breaks keeps none of the others back. */
export async function resultOf(
  { id, title, exitCode, run }: DoctorCheck,
  context: DoctorContext,
): Promise<CheckResult> {
  const deadline = withDeadline(CHECK_MAX_MS, context.signal)
  try {
    const finding = await raceSignal(Promise.resolve(run(context)), deadline)
    return { id, title, exitCode, ...finding }
  } catch (error) {
    if (deadline.aborted)
      return { id, title, exitCode, ...warn('the check did not end in time', 'Run starling doctor again') }
    if (!(error instanceof CodedError)) {
      const name = error instanceof Error ? error.name : 'unknown'
      const finding = warn(`a fault of the program (${name}) kept the check from ending`, 'Please report it')
      return { id, title, exitCode, ...finding }
    }
    const failedAs = exitCodeOf(error)
    const remedy =
      failedAs === EXIT.chain
        ? 'Look at staking.rpcUrls and at the connection of this machine'
        : 'Do what the message says'
    return { id, title, exitCode: failedAs, status: 'fail', seen: error.message, remedy }
  }
}

export function outcomeOf(results: readonly CheckResult[], { strict }: { readonly strict: boolean }): CommandOutcome {
  const failed = results.filter(({ status }) => status === 'fail')
  const warned = results.filter(({ status }) => status === 'warn')
  const worst = failed[0]?.exitCode ?? (strict && warned.length > 0 ? EXIT.failure : EXIT.ok)
  const skipped = results.filter(({ status }) => status === 'skipped')
  return {
    result: {
      version: DOCTOR_VERSION,
      ok: failed.length === 0,
      checks: results.map(({ id, title, status, seen, remedy }) => ({
        ...{ id, title, status: status === 'skipped' ? 'skip' : status, seen, remedy: remedy ?? null },
      })),
    },
    lines: [
      ...results.filter(({ status }) => status !== 'skipped').flatMap(linesOf),
      ...skippedLines(skipped),
      '',
      `${counted(results.length, 'check')}: ${failed.length} failed, ${counted(warned.length, 'warning')}, ${skipped.length} skipped.`,
    ],
    exitCode: worst,
  }
}

/** Many are skipped for one reason. */
function skippedLines(skipped: readonly CheckResult[]): readonly string[] {
  const byReason = Map.groupBy(skipped, ({ seen }) => seen)
  return [...byReason].map(([reason, checks]) => `skip  ${checks.map(({ id }) => id).join(', ')}: ${reason}`)
}

const MARKS: Readonly<Record<Finding['status'], string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skipped: 'skip' }

function linesOf({ id, title, status, seen, remedy }: CheckResult): readonly string[] {
  const line = `${MARKS[status]}  ${title}: ${seen}${status === 'ok' ? '' : ` (${id})`}`
  return remedy === undefined || status === 'ok' ? [line] : [line, `      ${remedy}`]
}
