import { CodedError } from './coded-error.ts'

export type ListenErrorCode =
  /** An address or port of the node cannot be listened on. The message says why, and which option to change. */
  'LISTEN_FAILED'

export class ListenError extends CodedError<ListenErrorCode> {}

export interface ListenPlace {
  readonly address: string
  readonly port: number
  /** The options that hold the two, without their last part: `rpc`. */
  readonly group: string
}

/** Why nothing can listen there, and what mends it. */
export function listenError(cause: unknown, { address, port, group }: ListenPlace): ListenError {
  const details = { address, port, cause: systemCodeOf(cause) ?? 'unknown' }
  return new ListenError('LISTEN_FAILED', sentenceOf(details, group), { details, cause })
}

function sentenceOf({ address, port, cause }: { address: string; port: number; cause: string }, group: string): string {
  switch (cause) {
    case 'EADDRINUSE':
      return `Another process listens on port ${port} of ${address} already: stop it, or give another ${group}.port`
    case 'EACCES':
      return `This user may not listen on port ${port}: give a ${group}.port from 1024 on, or allow it to the process`
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${address}: give one that it has`
    default:
      return `Nothing can listen on port ${port} of ${address}: ${cause}`
  }
}

/** The system's own code, such as EADDRINUSE. libp2p keeps only the text of the error that had it. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('syscall' in error && 'code' in error && typeof error.code === 'string') return error.code
  return /\b(?:EADDRINUSE|EACCES|EADDRNOTAVAIL)\b/.exec(error.message)?.[0]
}
