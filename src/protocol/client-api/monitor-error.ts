import { ProtocolError } from '../errors.ts'

/** What a refusal, or the end of a subscription, says. 1 to 7 are Session's. */
export const MONITOR_ERROR = {
  badArguments: 1,
  badAccount: 2,
  badNamespaces: 3,
  badTimestamp: 4,
  badSignature: 5,
  wrongSwarm: 6,
  noSwarm: 7,
  /** Ours: there is no room for it here now, or requests come too fast. Poll, and try again later. */
  busy: 8,
} as const

export type MonitorErrorCode = (typeof MONITOR_ERROR)[keyof typeof MONITOR_ERROR]

/** What is thrown for a field that is not as it should be: the error's `details.errcode` is what the client is told. */
export function monitorRefusal(errcode: MonitorErrorCode, text: string): ProtocolError {
  return new ProtocolError('PARAMETER_INVALID', `invalid request: ${text}`, { details: { errcode } })
}

export function parseMonitorErrorCode(value: unknown): MonitorErrorCode | undefined {
  return Object.values(MONITOR_ERROR).find((code) => code === value)
}
