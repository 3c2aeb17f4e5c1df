import type { Clock } from '../../base/clock.ts'
import type { Hex } from '../../staking/chain-reply.ts'
import type { ExitCode } from '../exit-codes.ts'
import type { Finding } from '../finding.ts'
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

/** One thing to look at. What it throws as a coded error is its failure. */
export interface Check {
  /** For scripts; never changes. */
  readonly id: string
  readonly title: string
  /** Of the command, when this is the first check that fails. */
  readonly exitCode: ExitCode
  run(): Promise<Finding>
}
