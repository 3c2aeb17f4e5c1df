import { execFile } from 'node:child_process'
import { type DurationMs, SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'

/** What systemd understands, as sd_notify(3) names it. */
export type NoticeField =
  | 'READY'
  | 'RELOADING'
  | 'MONOTONIC_USEC'
  | 'STOPPING'
  | 'STATUS'
  | 'WATCHDOG'
  | 'EXTEND_TIMEOUT_USEC'

export type NoticeFields = Readonly<Partial<Record<NoticeField, string>>>

/** What a supervisor gives the process to tell it with. */
export interface NoticeEnvironment {
  readonly [name: string]: string | undefined
}

export interface SupervisorNotice {
  /** Within what time the supervisor wants to hear that the process lives; undefined when it does not. */
  readonly watchdogMs: DurationMs | undefined
  /**
   * Sends soon. While a message is under way, later ones wait as one, in which the newer value of a field counts; but what happens one
   * after the other is told one after the other.
   */
  tell(fields: NoticeFields): void
}

/** Node has no datagrams over Unix sockets, so systemd's own program carries them. */
const COMMAND = 'systemd-notify'
/** It waits until systemd has taken the message, which takes milliseconds. */
const SEND_MAX_MS = 5 * SECOND
/** Starts, reloads and stops that are told one by one. */
const WAITING_MAX = 8
/** A status is a line; systemd shows no more of it. */
const VALUE_MAX_CHARS = 400

/** Tells the supervisor that started this process; undefined when none wants to be told. */
export function createSupervisorNotice(
  { log }: { readonly log: Logger },
  environment: NoticeEnvironment,
): SupervisorNotice | undefined {
  const { NOTIFY_SOCKET, PATH } = environment
  if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return undefined
  const env = { NOTIFY_SOCKET, ...(PATH === undefined ? {} : { PATH }) }
  const waiting: NoticeFields[] = []
  let isSending = false
  let isTold = false

  const send = () => {
    const fields = waiting.shift()
    if (fields === undefined) return
    const words = Object.entries(fields).map(([field, value]) => `${field}=${value}`)
    isSending = true
    execFile(COMMAND, words, { env, timeout: SEND_MAX_MS, killSignal: 'SIGKILL' }, (error) => {
      isSending = false
      if (error !== null && !isTold) {
        isTold = true
        log.warn(
          { error },
          'The supervisor could not be told how the node is: systemd-notify must be there, and may be run',
        )
      }
      send()
    })
  }

  return {
    watchdogMs: watchdogOf(environment),
    tell(fields) {
      const lines: NoticeFields = Object.fromEntries(
        Object.entries(fields).map(([field, value]) => [field, oneLine(value)]),
      )
      const last = waiting.at(-1) ?? {}
      if (isEvent(last) && isEvent(lines) && waiting.length < WAITING_MAX) waiting.push(lines)
      else waiting.splice(-1, 1, { ...last, ...lines })
      if (!isSending) send()
    },
  }
}

/** While the configuration is read anew. Then READY is told again. */
export function reloadingFields(): NoticeFields {
  return { RELOADING: '1', MONOTONIC_USEC: String(process.hrtime.bigint() / 1000n) }
}

function isEvent({ READY, RELOADING, STOPPING }: NoticeFields): boolean {
  return READY !== undefined || RELOADING !== undefined || STOPPING !== undefined
}

function watchdogOf({ WATCHDOG_USEC, WATCHDOG_PID }: NoticeEnvironment): DurationMs | undefined {
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return undefined
  const ms = Number(WATCHDOG_USEC) / 1000
  return ms > 0 && Number.isFinite(ms) ? ms : undefined
}

/** A line break would begin another field. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, VALUE_MAX_CHARS)
}
