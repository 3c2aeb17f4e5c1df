import type { JsonObject } from '../src/protocol/json.ts'
import type { CaseContext } from './context.ts'
import { expectRefusal } from './expectations.ts'
import type { TransportName } from './transport.ts'

/** What a case is about; a method needs some of each (coverage.ts). */
export type Aspect = 'success' | 'error' | 'boundary' | 'signature'

/** One thing that the protocol says, and how to find out whether a node does it. */
export interface ConformanceCase {
  /** A method of the client protocol, or the part of the node's surface that it is about. */
  readonly subject: string
  readonly aspect: Aspect
  /** What the protocol says, as a sentence about the node or the method. */
  readonly name: string
  /** `spec`: every node does so. `ours`: where implementations may differ, what this one does. */
  readonly basis: 'spec' | 'ours'
  readonly over: readonly TransportName[]
  /** The refusals that it expects: status, a space, and the text. */
  readonly refusals: readonly string[]
  /** @throws ExpectationFailed, NotApplicable */
  run(context: CaseContext): Promise<void>
}

export interface CaseOptions {
  readonly basis?: 'ours'
  readonly over?: TransportName
  readonly refusals?: readonly string[]
}

type Run = (context: CaseContext) => Promise<void>
type ParamsOf = (context: CaseContext) => JsonObject | Promise<JsonObject>

/** Writes the cases of one subject. */
export interface CaseWriter {
  success(name: string, run: Run, options?: CaseOptions): ConformanceCase
  boundary(name: string, run: Run, options?: CaseOptions): ConformanceCase
  signature(name: string, run: Run, options?: CaseOptions): ConformanceCase
  error(name: string, run: Run, options?: CaseOptions): ConformanceCase
  /** The method's answer to these parameters is exactly this status and text. */
  refusal(name: string, status: number, text: string, params: ParamsOf, options?: CaseOptions): ConformanceCase
  /** As refusal, for parameters that are malformed. */
  malformed(name: string, text: string, params: ParamsOf, options?: CaseOptions): ConformanceCase
}

const ALL_TRANSPORTS: readonly TransportName[] = ['https', 'onion']

export function casesOf(subject: string): CaseWriter {
  const write =
    (aspect: Aspect) =>
    (name: string, run: Run, { basis, over, refusals = [] }: CaseOptions = {}): ConformanceCase => ({
      subject,
      aspect,
      name,
      basis: basis ?? 'spec',
      over: over === undefined ? ALL_TRANSPORTS : [over],
      refusals,
      run,
    })
  const error = write('error')
  const refusal: CaseWriter['refusal'] = (name, status, text, params, options = {}) =>
    error(name, async (context) => expectRefusal(await context.ask(subject, await params(context)), status, text), {
      ...options,
      refusals: [refusalKey(status, text)],
    })
  return {
    success: write('success'),
    boundary: write('boundary'),
    signature: write('signature'),
    error,
    refusal,
    malformed: (name, text, params, options) => refusal(name, 400, `invalid request: ${text}`, params, options),
  }
}

export function refusalKey(status: number, text: string): string {
  return `${status} ${text}`
}
