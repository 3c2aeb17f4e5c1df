import { PassThrough } from 'node:stream'
import { vi } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'

export interface InProcessEnd {
  readonly code: number | string | null | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Ends a command that would end its process. */
class Exit extends Error {}

/**
 * `starling` with these words, in this process: a process of its own takes a second. Standard input is closed, and nothing is a
 * terminal. One at a time.
 */
export async function runInProcess(words: readonly string[]): Promise<InProcessEnd> {
  const said: string[] = []
  const told: string[] = []
  const input = new PassThrough()
  input.end()
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin') ?? {}
  Object.defineProperty(process, 'stdin', { ...stdin, get: () => input })
  const before = process.exitCode
  process.exitCode = 0
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(noted(said)),
    vi.spyOn(process.stderr, 'write').mockImplementation(noted(told)),
    // What prints by itself, such as help.
    vi.spyOn(console, 'log').mockImplementation((text) => void said.push(`${text}\n`)),
    vi.spyOn(console, 'error').mockImplementation((text) => void told.push(`${text}\n`)),
    vi.spyOn(process, 'exit').mockImplementation((code) => {
      process.exitCode = code
      throw new Exit('The command ended its process')
    }),
  ]
  try {
    await runProgram(words)
    return { code: process.exitCode, stdout: said.join(''), stderr: told.join('') }
  } finally {
    process.exitCode = before
    Object.defineProperty(process, 'stdin', stdin)
    for (const spy of spies) spy.mockRestore()
  }
}

function noted(texts: string[]): typeof process.stdout.write {
  return ((chunk: string | Uint8Array, ...rest: readonly unknown[]) => {
    texts.push(String(chunk))
    for (const done of rest) if (typeof done === 'function') done()
    return true
  }) as typeof process.stdout.write
}
