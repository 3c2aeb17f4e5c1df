import type { Clock } from '../../base/clock.ts'
import type { Hex } from '../../staking/chain-reply.ts'
import type { ExitCode } from '../exit-codes.ts'
import type { StakeSettings } from './chain.ts'

export interface PreflightContext {
  readonly settings: StakeSettings
  /** Whose account would stake; undefined when it was not named. */
  readonly operator: Hex | undefined
  readonly publicIp: string | undefined
  readonly clock: Clock
  /** Free bytes of the disk that holds a folder; undefined where nothing can be told. */
  readonly freeBytes: (folder: string) => Promise<number | undefined>
  readonly signal: AbortSignal
}

export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped'
  /** What was found, for people. */
  readonly seen: string
  /** What mends it. */
  readonly remedy: string | undefined
}

/** One thing to look at. What it throws as a coded error is its failure. */
export interface Check {
  /** For scripts; never changes. */
  readonly id: string
  readonly title: string
  /** Of the command, when this is the first check that fails. */
  readonly exitCode: ExitCode
  run(): Promise<Finding>
}

export function ok(seen: string): Finding {
  return { status: 'ok', seen, remedy: undefined }
}

export function warn(seen: string, remedy: string): Finding {
  return { status: 'warn', seen, remedy }
}

export function fail(seen: string, remedy: string): Finding {
  return { status: 'fail', seen, remedy }
}

export function skipped(seen: string): Finding {
  return { status: 'skipped', seen, remedy: undefined }
}

/** Computes once, for all checks that need it; a failure is each one's. */
export function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= compute()
    return result
  }
}
