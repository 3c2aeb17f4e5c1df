import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../base/assert.ts'

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string
}

/** This software's version, such as `0.1.0`. */
export const VERSION_TEXT = version

/** The same as three numbers, as node records and `info` carry it. */
export const VERSION: readonly [number, number, number] = parseVersion(version)

function parseVersion(text: string): readonly [number, number, number] {
  const [major, minor, patch] = text.split(/[.-]/).map(Number)
  assert(
    Number.isInteger(major) && Number.isInteger(minor) && Number.isInteger(patch),
    `The version in package.json is not three numbers: ${text}`,
  )
  return [major as number, minor as number, patch as number]
}
