import { type DurationMs, systemClock } from '../../base/clock.ts'
import { STATUS_VERSION, type StatusProblem } from '../../node/status.ts'
import type { ProblemCode } from '../../node/status-problem-kinds.ts'
import { problem } from '../../node/status-problems.ts'
import { AdminClientError, type AdminClientErrorCode } from '../admin-client.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { nodeAt, nodePlaceOf } from './node-place.ts'
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
      lines: statusLines(status, transactionLines(transactions, status)),
      exitCode: exitCodeOfStatus(status, args),
    }
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error
    return await withoutNode(args, error)
  }
}

const PROBLEMS: Readonly<Record<AdminClientErrorCode, { readonly code: ProblemCode; readonly exitCode: ExitCode }>> = {
  NODE_NOT_RUNNING: { code: 'NODE_NOT_RUNNING', exitCode: EXIT.notRunning },
  NODE_SILENT: { code: 'NODE_SILENT', exitCode: EXIT.unavailable },
  NODE_ANSWER_MALFORMED: { code: 'NODE_ANSWER_UNKNOWN', exitCode: EXIT.failure },
}

/** The configuration, the folders, the keys and the notes of earlier runs can be read without the node. Its database is its own. */
async function withoutNode(args: StatusArgs, error: AdminClientError): Promise<CommandOutcome> {
  const takenAtMs = systemClock.nowMs()
  const { code, exitCode } = PROBLEMS[error.code]
  // Loads what reads configurations and keys, which a node that answers does without.
  const { lastRunProblems, readStoppedNode } = await import('./stopped-node.ts')
  const { stopped, problems: found } = await readStoppedNode(args, nodePlaceOf(args), takenAtMs)
  const health = code === 'NODE_NOT_RUNNING' ? 'not-running' : 'silent'
  const broken = health === 'not-running' ? lastRunProblems(stopped) : []
  const problems: readonly StatusProblem[] = [problem(code, error.message), ...found, ...broken]
  return {
    result: { version: STATUS_VERSION, takenAtMs, health, stopped, problems },
    lines: stoppedLines(stopped, health, problems, takenAtMs),
    exitCode,
  }
}
