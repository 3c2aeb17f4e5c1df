import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CodedError } from '../../../src/base/coded-error.ts'
import { runCommand } from '../../../src/cli/command-outcome.ts'

// What a command says, and to whom.

class Refusal extends CodedError<'NO'> {}

let stdout: string
let stderr: string
const before = process.exitCode
beforeEach(() => {
  stdout = ''
  stderr = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest: unknown[]) => {
    stdout += String(chunk)
    for (const written of rest) if (typeof written === 'function') written()
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += String(chunk)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = before
})

test('what was done stays done, in one document, when it cannot be noted down that it was told', async () => {
  const afterPrinting = () => Promise.reject(new Refusal('NO', 'The journal is busy'))
  await runCommand({ json: true }, async () => ({ result: { outcome: 'claimed' }, lines: [], afterPrinting }))
  expect(stdout).toBe('{"outcome":"claimed"}\n')
  expect(stderr).toContain('The journal is busy')
  expect(process.exitCode).toBe(0)
})

test('a failure is one document, too, and has an exit code', async () => {
  await runCommand({ json: true }, () => Promise.reject(new Refusal('NO', 'Not today')))
  expect(JSON.parse(stdout)).toEqual({ error: { code: 'NO', message: 'Not today', details: {} } })
  expect(stderr).toBe('Error NO: Not today\n')
  expect(process.exitCode).toBe(1)
})
