import { expect, test } from 'vitest'
import { wait } from '../../../src/base/wait.ts'

const LONG_MS = 1_000_000

test('a wait ends by itself', async () => {
  await expect(wait(1, new AbortController().signal)).resolves.toBeUndefined()
})

test('a wait that is given up rejects with the reason, before it began and after', async () => {
  const reason = new Error('given up')
  await expect(wait(LONG_MS, AbortSignal.abort(reason))).rejects.toBe(reason)
  const abort = new AbortController()
  const waiting = wait(LONG_MS, abort.signal)
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})
