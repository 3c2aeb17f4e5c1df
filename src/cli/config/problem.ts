import type { OptionsErrorCode } from '../options/check.ts'

/** A place in a file; both count from 1, as editors do. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Where a value comes from, the strongest first. */
export type Origin =
  | { readonly layer: 'flag'; readonly flag: string }
  | { readonly layer: 'environment'; readonly variable: string }
  | ({ readonly layer: 'file'; readonly file: string } & Partial<Place>)
  | ({ readonly layer: 'preset'; readonly network: string; readonly file: string } & Partial<Place>)
  | { readonly layer: 'default' }

/** What is wrong with a configuration, and what mends it. No part of it shows a secret. */
export interface ConfigurationProblem {
  readonly code: OptionsErrorCode
  readonly origin: Origin
  /** Undefined when it is not about one option. */
  readonly option?: string
  /** It follows the option's name: "must be an IP address, not 5". */
  readonly reason: string
  readonly hint?: string
}

/** For people: `/etc/starling/starling.yml:3:7`, `--rpc.port`. */
export function describeOrigin(origin: Origin): string {
  switch (origin.layer) {
    case 'flag':
      return origin.flag
    case 'environment':
      return `environment ${origin.variable}`
    case 'file':
      return withPlace(origin.file, origin)
    case 'preset':
      return `preset ${origin.network} (${withPlace(origin.file, origin)})`
    case 'default':
      return 'default'
  }
}

/** One problem in one line. */
export function describeProblem(problem: ConfigurationProblem): string {
  const { origin, option, reason, hint } = problem
  // Without a place the reason names the file itself, and a flag is called like its option.
  const isPlaced = 'file' in origin ? origin.line !== undefined : origin.layer === 'environment'
  const where = isPlaced ? `${describeOrigin(origin)}: ` : ''
  const what = option === undefined ? reason : `${option} ${reason}`
  return `${where}${what}${hint === undefined ? '' : `. ${hint}`}`
}

function withPlace(file: string, { line, column }: Partial<Place>): string {
  return [file, line, column].filter((part) => part !== undefined).join(':')
}
