import { type DurationMs, systemClock } from '../../base/clock.ts'
import { quoted } from '../../node/secret-file.ts'
import { type NodeStatus, STATUS_VERSION, type StatusProblem } from '../../node/status.ts'
import type { ProblemCode } from '../../node/status-problem-kinds.ts'
import { problem } from '../../node/status-problems.ts'
import { AdminClientError, type AdminClientErrorCode } from '../admin-client.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { SYSTEM_CONFIGURATION } from '../config/configuration-file.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { configurationNotes, type NodePlace, nodeAt, nodePlaceOf } from './node-place.ts'
import type { StatusArgs } from './options.ts'
import { pendingTransactions, transactionLines } from './pending-transactions.ts'
import { exitCodeOfStatus } from './status-exit.ts'
import { statusLines, stoppedLines } from './status-lines.ts'

/** The node takes half of it; the rest is for a machine that is busy. Who looks at a node that hangs wants to know it at once. */
const ANSWER_MAX_MS: DurationMs = 850

/** How the node on this machine is doing, whether it runs or not. */
export async function showStatus(args: StatusArgs): Promise<CommandOutcome> {
  const place = nodePlaceOf(args)
  try {
    const status = await nodeAt(place).status(new AbortController().signal, ANSWER_MAX_MS)
    const transactions = await pendingTransactions(place.keysFolder, status)
    return {
      result: { ...status, transactions },
      lines: [
        ...statusLines(withPlace(status, place), transactionLines(transactions, status)),
        ...configurationNotes(place),
      ],
      exitCode: exitCodeOfStatus(status, args),
    }
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error
    const shown = PROBLEMS[error.code]
    // Nothing is known of a node of another user, and one that is busy is asked again.
    if (shown === undefined) throw error
    return await withoutNode(args, error, shown)
  }
}

interface Shown {
  readonly code: ProblemCode
  readonly exitCode: ExitCode
}

const PROBLEMS: Partial<Readonly<Record<AdminClientErrorCode, Shown>>> = {
  NODE_NOT_RUNNING: { code: 'NODE_NOT_RUNNING', exitCode: EXIT.notRunning },
  NODE_SILENT: { code: 'NODE_SILENT', exitCode: EXIT.unavailable },
  NODE_ANSWER_MALFORMED: { code: 'NODE_ANSWER_UNKNOWN', exitCode: EXIT.failure },
}

/** The configuration, the folders, the keys and the notes of earlier runs can be read without the node. Its database is its own. */
async function withoutNode(
  args: StatusArgs,
  error: AdminClientError,
  { code, exitCode }: Shown,
): Promise<CommandOutcome> {
  const takenAtMs = systemClock.nowMs()
  // Loads what reads configurations and keys, which a node that answers does without.
  const { lastRunProblems, readStoppedNode } = await import('./stopped-node.ts')
  const { stopped, problems: found } = await readStoppedNode(args, nodePlaceOf(args), takenAtMs)
  const health = code === 'NODE_NOT_RUNNING' ? 'not-running' : 'silent'
  const broken = health === 'not-running' ? lastRunProblems(stopped) : []
  const problems: readonly StatusProblem[] = [problem(code, error.message), ...found, ...broken]
  return {
    result: { version: STATUS_VERSION, takenAtMs, health, stopped, problems },
    lines: stoppedLines(stopped, health, placed(problems, stopped.configFile), takenAtMs),
    exitCode,
  }
}

function withPlace(status: NodeStatus, { configFile }: NodePlace): NodeStatus {
  return { ...status, problems: placed(status.problems, configFile ?? null) }
}

/** For people, who type what they read: of a node that is not the machine's own, commands have to be told. */
function placed(problems: readonly StatusProblem[], configFile: string | null): readonly StatusProblem[] {
  if (configFile === null || configFile === SYSTEM_CONFIGURATION) return problems
  return problems.map((one) =>
    one.next.startsWith('starling ') && !/ --(config|keys-folder) /.test(one.next)
      ? { ...one, next: `${one.next} --config ${quoted(configFile)}` }
      : one,
  )
}
