import { expect, test } from 'vitest'
import type { Timers } from '../../../src/base/timers.ts'
import { createWaitingNotice, whileAsking } from '../../../src/cli/waiting-notice.ts'

function setup(isTTY: boolean) {
  const written: string[] = []
  let pending: (() => void) | undefined
  const timers: Pick<Timers, 'after'> = {
    after(_ms, run) {
      pending = run
      return () => {
        pending = undefined
      }
    },
  }
  const notice = createWaitingNotice({ isTTY, write: (text: string) => written.push(text) }, timers)
  return { written, notice, aSecond: () => pending?.(), isWaiting: () => pending !== undefined }
}

test('a person is told each second how long it takes, and nothing of it is left', () => {
  const { written, notice, aSecond, isWaiting } = setup(true)
  expect(written).toEqual([])
  aSecond()
  aSecond()
  expect(written).toEqual(['Working … 1 s\u001b[K\r', 'Working … 2 s\u001b[K\r'])
  notice[Symbol.dispose]()
  expect({ last: written.at(-1), waits: isWaiting() }).toEqual({ last: '\u001b[K', waits: false })
})

test('nothing is told without a terminal, within the first second, or beside a question', async () => {
  const silent = setup(false)
  expect(silent.isWaiting()).toBe(false)
  const quick = setup(true)
  quick.notice[Symbol.dispose]()
  const asking = setup(true)
  await whileAsking(async () => asking.aSecond())
  expect([silent.written, quick.written, asking.written]).toEqual([[], [], []])
  asking.aSecond()
  expect(asking.written).toEqual(['Working … 2 s\u001b[K\r'])
})
