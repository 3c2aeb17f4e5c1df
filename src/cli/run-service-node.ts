import { constants } from 'node:os'
import { type DurationMs, SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { LogOptions } from '../node/log-options.ts'
import { openLog } from '../node/logger.ts'
import type { ServiceNodeOptions } from '../node/options.ts'
import { createServiceNode } from '../node/service-node.ts'
import { createSupervisorNotice } from '../node/supervisor-notice.ts'
import { type ConfigurationStart, Reloader } from './config/reloader.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import type { HangUps } from './hang-ups.ts'
import { isSessionContract } from './stake/chain.ts'

/** What an orderly end may take, draining of requests included. */
const STOP_MAX_MS = 10 * SECOND
const SIGNAL_EXIT_BASE = 128
const BESIDE_SESSION =
  "This is the contract of Session's network, whose members run other software: it is read here, and nothing else. Session's clients do not look for this node (docs/beside-session.md)"

/**
 * Runs a node until SIGTERM or SIGINT, then drains and ends with 0. A second signal, or one while it starts, ends it at once. A node whose
 * disk failed ends by itself, with the code that says so. SIGHUP has it read its configuration again.
 */
export async function runServiceNode(
  options: { node: ServiceNodeOptions; log: LogOptions },
  { hangUps, ...configured }: ConfigurationStart & { readonly hangUps: HangUps },
): Promise<void> {
  const nodeLog = openLog(options.log)
  const { log } = nodeLog
  if (isSessionContract(options.node.staking)) log.warn({}, BESIDE_SESSION)
  endOnBugs(log)
  const stopped = stopSignal(log)
  const notice = createSupervisorNotice({ log }, process.env)
  try {
    const node = await Promise.race([createServiceNode({ log, nodeLog, notice }, options.node), stopped])
    // A start may wait minutes for the chain. Nothing is promised to anybody yet, and what is on disk bears an end at any moment.
    if (node === undefined) process.exit(EXIT.ok)
    await using _node = node
    hangUps.tell(new Reloader({ log, reload: node.reload, notice }, configured))
    const failure = await Promise.race([stopped, node.failed])
    if (failure !== undefined) {
      endAfter(STOP_MAX_MS, log)
      throw failure
    }
  } catch (error) {
    log.error({ error }, 'The service node cannot run')
    process.exit(exitCodeOf(error))
  }
  log.info({}, 'Stopped')
  process.exit(EXIT.ok)
}

/** Settles at the first signal. */
function stopSignal(log: Logger): Promise<undefined> {
  return new Promise((resolve) => {
    let stopping = false
    const onSignal = (signal: 'SIGTERM' | 'SIGINT') => {
      if (stopping) process.exit(SIGNAL_EXIT_BASE + constants.signals[signal])
      stopping = true
      log.info({ signal }, 'Stopping: requests under way are finished first, a second signal ends at once')
      endAfter(STOP_MAX_MS, log)
      resolve(undefined)
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}

/** Stopping has an end, even if a part hangs or is still starting. */
function endAfter(ms: DurationMs, log: Logger): void {
  setTimeout(() => {
    log.error({ seconds: ms / SECOND }, 'Stopping took too long: the process ends as it is')
    process.exit(EXIT.internal)
  }, ms).unref()
}

/** A bug leaves the process in a state that nobody thought of: one line, and the end. */
function endOnBugs(log: Logger): void {
  const end = (error: unknown) => {
    log.error({ error }, 'A fault of the program: please report it')
    process.exit(EXIT.internal)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
  // Node's own line on standard error has the words of whoever warns.
  process.removeAllListeners('warning')
  process.on('warning', (error) => log.warn({ error }, 'The runtime warns'))
}
