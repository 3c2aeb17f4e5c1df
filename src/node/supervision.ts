import { type DurationMs, SECOND } from '../base/clock.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import type { HealthReason } from './health.ts'
import type { Phase } from './readiness.ts'
import type { SupervisorNotice } from './supervisor-notice.ts'

/** What can be asked of a node from its first moment on. */
export interface Probes {
  phase(): Phase
  /** Why a new process should take this one's place. */
  dead(): readonly HealthReason[]
  /** Why it does not serve. */
  reasons(): readonly HealthReason[]
  /** What is wrong although it serves. */
  degraded(): readonly HealthReason[]
}

export interface SupervisionComponents {
  readonly notice: Pick<SupervisorNotice, 'tell' | 'watchdogMs'>
  readonly probes: Probes
  readonly timers?: Timers
}

export interface Supervision extends Disposable {
  /** Tells of a change of the phase at once. */
  look(): void
}

/** How late a status may be. */
const LOOK_MS: DurationMs = 5 * SECOND
/** A start that still waits says so, and gets so much longer each time: how long, the RPC providers decide. */
const START_MS: DurationMs = 60 * SECOND
/** Signs of life are so many times as frequent as they must be: one or two may be lost. */
const SIGNS = 3

/**
 * Tells the supervisor that the node has started, how it is in one line, and, again and again, that it lives. The signs of life come from
 * a timer of the event loop that also asks whether the process makes progress, so one that hangs, either way, sends none and is replaced.
 */
export function superviseNode({ notice, probes, timers = systemTimers }: SupervisionComponents): Supervision {
  const signMs = Math.min(START_MS, notice.watchdogMs ?? Number.POSITIVE_INFINITY) / SIGNS
  const everyMs = Math.min(LOOK_MS, signMs)
  const looksPerSign = Math.floor(signMs / everyMs)
  let looks = 0
  let cancel = () => {}
  let told: { phase: Phase; status: string } | undefined
  const look = () => {
    cancel()
    cancel = timers.after(everyMs, look)
    const phase = probes.phase()
    const status = statusLine(probes)
    const isSign = looks++ % looksPerSign === 0
    const fields = {
      ...(phase !== told?.phase ? PHASE_FIELDS[phase] : {}),
      ...(status === told?.status ? {} : { STATUS: status }),
      ...(isSign && phase === 'starting' ? { EXTEND_TIMEOUT_USEC: String(START_MS * 1000) } : {}),
      ...(isSign && notice.watchdogMs !== undefined && probes.dead().length === 0 ? { WATCHDOG: '1' } : {}),
    }
    told = { phase, status }
    if (Object.keys(fields).length > 0) notice.tell(fields)
  }
  look()
  return { look, [Symbol.dispose]: () => cancel() }
}

/** Ready means that everything has been started: a node that waits for its stake does so for weeks, and its unit has started all the same. */
const PHASE_FIELDS = {
  starting: {},
  running: { READY: '1' },
  stopping: { STOPPING: '1' },
} as const satisfies Record<Phase, object>

function statusLine(probes: Probes): string {
  const [dead, reasons, degraded] = [probes.dead(), probes.reasons(), probes.degraded()]
  if (dead.length > 0) return `Hangs: ${sentences(dead)}`
  if (reasons.length > 0)
    return probes.phase() === 'running' ? `Not serving: ${sentences(reasons)}` : sentences(reasons)
  return degraded.length > 0 ? `Serving, but: ${sentences(degraded)}` : 'Serving'
}

function sentences(reasons: readonly HealthReason[]): string {
  return reasons.map(({ reason }) => reason).join('; ')
}
