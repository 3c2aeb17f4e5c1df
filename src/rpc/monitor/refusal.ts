import { CodedError } from '../../base/coded-error.ts'
import { MONITOR_ERROR, type MonitorErrorCode, parseMonitorErrorCode } from '../../protocol/client-api/monitor-error.ts'

/** What a client is told whose request for a subscription is refused. Any other error is a bug, and thrown. */
export function refusedAnswer(error: unknown): { readonly errcode: MonitorErrorCode; readonly error: string } {
  if (!(error instanceof CodedError)) throw error
  return { errcode: errcodeOf(error), error: error.message }
}

function errcodeOf({ code, details }: CodedError<string>): MonitorErrorCode {
  return BY_CODE[code] ?? parseMonitorErrorCode(details['errcode']) ?? MONITOR_ERROR.badArguments
}

const BY_CODE: Readonly<Record<string, MonitorErrorCode>> = {
  CLOCK_DIFFERS: MONITOR_ERROR.badTimestamp,
  SIGNATURE_REFUSED: MONITOR_ERROR.badSignature,
  NO_SWARMS: MONITOR_ERROR.noSwarm,
  RATE_EXCEEDED: MONITOR_ERROR.busy,
}
