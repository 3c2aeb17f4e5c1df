import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CodedError } from '../../src/base/coded-error.ts'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.ts'
import { code, generatedNote, table } from './markdown.ts'

const REPOSITORY = join(import.meta.dirname, '../..')

interface ErrorFamily {
  /** The part of the node, or the folder. */
  readonly part: string
  readonly className: string
  readonly meaning: string
  readonly codes: readonly { readonly code: string; readonly meaning: string }[]
}

/** docs/errors.md: every error code, from the comments in the source. */
export function errorsPage(): string {
  return `${[
    '# Errors',
    generatedNote('the `…ErrorCode` types in src'),
    'Every expected failure has a code that stays the same; logs, `--json` and the client SDK show it. The last column is the exit code of a command that ends with it.',
    ...errorFamilies().map(section),
  ].join('\n\n')}\n`
}

function section({ part, className, meaning, codes }: ErrorFamily): string {
  const rows = codes.map((one) => [code(one.code), one.meaning, exitText(one.code)])
  return [
    `## ${part}: ${className}`,
    ...(meaning === '' ? [] : [meaning]),
    table(['code', 'meaning', 'exit'], rows),
  ].join('\n\n')
}

function exitText(errorCode: string): string {
  const exit = exitCodeOf(new CodedError(errorCode, ''))
  const name = Object.entries(EXIT).find(([, value]) => value === exit)?.[0]
  return `${exit} ${name}`
}

export function errorFamilies(): readonly ErrorFamily[] {
  return globSync('src/**/*.ts', { cwd: REPOSITORY })
    .sort()
    .flatMap((path) => familiesIn(path, readFileSync(join(REPOSITORY, path), 'utf8')))
}

function familiesIn(path: string, source: string): readonly ErrorFamily[] {
  const unions = source.matchAll(/^export type (\w+ErrorCode) =\n((?: +.*\n)+)/gm)
  return [...unions].map(([, type = '', union = '']) => {
    const classed = new RegExp(`(?:/\\*\\*((?:(?!\\*/)[sS])*)\\*/\\n)?export class (\\w+) extends CodedError<${type}>`)
    const [, comment = '', className] = classed.exec(source) ?? []
    if (className === undefined) throw new Error(`${path}: no class has the codes of ${type}`)
    return { part: path.split('/')[1] ?? '', className, meaning: plain(comment), codes: codesOf(union, path) }
  })
}

function codesOf(union: string, path: string): ErrorFamily['codes'] {
  const commented = [...union.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\|?\s*'(\w+)'/g)]
  const all = [...union.matchAll(/^\s*\|?\s*'(\w+)'/gm)]
  if (commented.length !== all.length) throw new Error(`${path}: each code needs a comment that says what it means`)
  return commented.map(([, comment = '', errorCode = '']) => ({ code: errorCode, meaning: plain(comment) }))
}

/** A comment's text without its stars. */
function plain(comment: string): string {
  return comment.replace(/\n\s*\* ?/g, ' ').trim()
}
