import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { createChildWatch } from '../../../devnet/child-watch.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process that waits to be killed. */
async function aChild(): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  children.push(child)
  await once(child, 'spawn')
  return { child, pid: child.pid as number }
}

test('a child that still runs when the watch ends is killed', async () => {
  const { child, pid } = await aChild()
  const exit = once(child, 'exit')
  const watch = createChildWatch()
  watch.add(pid, exit)
  await watch[Symbol.asyncDispose]()
  expect(await exit).toEqual([null, 'SIGKILL'])
})

test('the id of a child that has ended is left alone, since it may be another process by then', async () => {
  const { child, pid } = await aChild()
  const watch = createChildWatch()
  // As far as the watch is told, this was the id of a child that is gone.
  const ended = Promise.resolve()
  watch.add(pid, ended)
  await ended
  await watch[Symbol.asyncDispose]()
  expect(child.kill(0)).toBe(true)
  expect(child.signalCode).toBe(null)
})
