import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const PROGRAM = join(import.meta.dirname, '../../faults/full-disk.ts')
const SKIPPED = 77

test('a store on a file system that is full keeps its promises', ({ skip }) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM], { encoding: 'utf8' })
  if (status === SKIPPED) {
    console.warn(stderr)
    skip('No file system can be mounted here')
  }
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toContain('0 broken promises')
})
