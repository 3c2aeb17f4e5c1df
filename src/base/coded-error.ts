export type ErrorDetails = Readonly<Record<string, string | number | boolean>>

/** An expected failure, named by a stable code that logs, metrics and RPC responses share. */
export class CodedError<Code extends string> extends Error {
  readonly code: Code
  /** Facts for the log line. Never keys, message bodies, account ids or client addresses. */
  readonly details: ErrorDetails

  constructor(code: Code, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.details = options.details ?? {}
  }
}
