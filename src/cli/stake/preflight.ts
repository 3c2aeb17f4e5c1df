import { type DurationMs, MINUTE, systemClock } from '../../base/clock.ts'
import { CodedError } from '../../base/coded-error.ts'
import { withDeadline } from '../../base/deadline.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.ts'
import type { Finding } from '../finding.ts'
import { settingsOf } from './chain.ts'
import { freeBytes } from './free-bytes.ts'
import { addressOf } from './operator-access.ts'
import type { PreflightArgs } from './options.ts'
import { accountChecks } from './preflight-account.ts'
import type { Check, PreflightContext } from './preflight-check.ts'
import { preflightChecks } from './preflight-checks.ts'

const TIMEOUT_MS: DurationMs = 2 * MINUTE

const CHAIN_REMEDY = 'Look at the RPC URLs and at the connection of this machine, or try another provider'

interface CheckResult extends Finding {
  readonly id: string
  readonly title: string
  readonly exitCode: ExitCode
}

/** Checks all that a registration needs, one by one, and says what mends what is amiss. Sends nothing, changes nothing. */
export async function preflight(args: PreflightArgs): Promise<CommandOutcome> {
  const settings = settingsOf(args)
  const context: PreflightContext = {
    settings,
    operator: args.operator === undefined ? undefined : addressOf(args.operator),
    publicIp: args['public-ip'] ?? textOf(settings.configured('publicIp')),
    clock: systemClock,
    freeBytes,
    signal: withDeadline(TIMEOUT_MS),
  }
  const results: CheckResult[] = []
  // In order, for the later ones make sense when the earlier ones pass.
  for (const check of [...preflightChecks(context), ...accountChecks(context)]) {
    results.push(await resultOf(check))
  }
  const failed = results.filter(({ status }) => status === 'fail')
  const isReady = failed.length === 0
  return {
    result: {
      ready: isReady,
      checks: results.map(({ id, status, seen, remedy }) => ({ id, status, seen, remedy: remedy ?? null })),
    },
    lines: [
      ...results.flatMap(linesOf),
      isReady ? 'Ready. Next: starling stake register' : `${failed.length} of ${results.length} checks failed.`,
    ],
    exitCode: failed[0]?.exitCode ?? EXIT.ok,
  }
}

async function resultOf({ id, title, exitCode, run }: Check): Promise<CheckResult> {
  try {
    return { id, title, exitCode, ...(await run()) }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    const failedAs = exitCodeOf(error)
    const remedy = failedAs === EXIT.chain ? CHAIN_REMEDY : 'Do what the message says, and run the command again'
    return { id, title, exitCode: failedAs, status: 'fail', seen: error.message, remedy }
  }
}

const MARKS: Readonly<Record<Finding['status'], string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skipped: 'skip' }

function linesOf({ title, status, seen, remedy }: CheckResult): readonly string[] {
  const line = `${MARKS[status]}  ${title}: ${seen}`
  return remedy === undefined || status === 'ok' ? [line] : [line, `      ${remedy}`]
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
