// What systemd would be told: through a program in the place of systemd-notify, and, where that and Python are, through both for real.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { createSupervisorNotice, reloadingFields } from '../../../src/node/supervisor-notice.ts'
import { createNotifyStandIn } from '../../support/notify-stand-in.ts'

let folder: string
let warnings: string[]
const log = { ...silentLogger, warn: (_facts: object, sentence: string) => void warnings.push(sentence) }
beforeEach(async () => {
  warnings = []
  folder = await mkdtemp(join(tmpdir(), 'starling-notice-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('without a supervisor, there is nobody to tell', () => {
  expect(createSupervisorNotice({ log }, {})).toBeUndefined()
  expect(createSupervisorNotice({ log }, { NOTIFY_SOCKET: '' })).toBeUndefined()
})

test('what is told while a message is under way is one message, with the newest values', async () => {
  const { PATH, said } = await createNotifyStandIn(folder, 'sleep 0.1')
  const notice = createSupervisorNotice({ log }, { NOTIFY_SOCKET: '/run/n', PATH })
  notice?.tell({ READY: '1', STATUS: 'Not serving: no\nstake' })
  for (let at = 0; at < 100; at++) notice?.tell({ STATUS: `Status ${at}`, WATCHDOG: '1' })
  await vi.waitFor(async () => expect(await said()).toHaveLength(2))
  expect(await said()).toEqual(['/run/n|READY=1|STATUS=Not serving: no stake', '/run/n|STATUS=Status 99|WATCHDOG=1'])
  expect(warnings).toEqual([])
})

test('that a reload begins and ends is told in two messages, with the time that systemd compares', async () => {
  const { PATH, said } = await createNotifyStandIn(folder)
  const notice = createSupervisorNotice({ log }, { NOTIFY_SOCKET: '/run/n', PATH })
  notice?.tell({ STATUS: 'Serving' })
  notice?.tell(reloadingFields())
  notice?.tell({ WATCHDOG: '1' })
  notice?.tell({ READY: '1' })
  await vi.waitFor(async () => expect(await said()).toHaveLength(3))
  expect(await said()).toEqual([
    '/run/n|STATUS=Serving',
    expect.stringMatching(/^\/run\/n\|RELOADING=1\|MONOTONIC_USEC=\d+\|WATCHDOG=1$/),
    '/run/n|READY=1',
  ])
})

test.each([
  [{ WATCHDOG_USEC: '60000000' }, 60_000],
  [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: String(process.pid) }, 60_000],
  [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }, undefined],
  [{ WATCHDOG_USEC: 'soon' }, undefined],
  [{ WATCHDOG_USEC: '0' }, undefined],
  [{}, undefined],
])('the watchdog of %j is %j ms', (environment, expected) => {
  expect(createSupervisorNotice({ log }, { NOTIFY_SOCKET: '/run/n', ...environment })?.watchdogMs).toBe(expected)
})

test.each([
  ['is missing', '/nonexistent'],
  ['fails', undefined],
])('a systemd-notify that %s costs one line in the log, and nothing else', async (_, path) => {
  const { PATH } = await createNotifyStandIn(folder, 'exit 1')
  const notice = createSupervisorNotice({ log }, { NOTIFY_SOCKET: '/run/n', PATH: path ?? PATH })
  notice?.tell({ READY: '1' })
  await vi.waitFor(() => expect(warnings).toHaveLength(1))
  notice?.tell({ WATCHDOG: '1' })
  notice?.tell({ STATUS: 'Serving' })
  expect(warnings).toEqual([expect.stringContaining('systemd-notify must be there')])
})

/** Prints what comes in over a Unix socket of datagrams, one JSON text a line. */
const RECEIVER = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('"bound"', flush=True)
while True:
    data, files, _, _ = socket.recv_fds(s, 4096, 1)
    for file in files: os.close(file)
    print(json.dumps(data.decode()), flush=True)
`
const missing = ['systemd-notify', 'python3'].filter((program) => !canRun(program))
if (missing.length > 0)
  console.warn(`SKIPPED: systemd's own way of being told, for there is no ${missing.join(' and no ')}`)

test.skipIf(missing.length > 0)('systemd-notify carries it to the socket', async () => {
  const socket = join(folder, 'notify')
  const receiver = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  let received = ''
  receiver.stdout.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  await vi.waitFor(() => expect(received).toContain('bound'))
  const notice = createSupervisorNotice({ log }, { NOTIFY_SOCKET: socket, PATH: process.env['PATH'] })
  notice?.tell({ READY: '1', STATUS: 'Not serving: There is no stake' })
  await vi.waitFor(() => expect(received).toContain('READY=1'))
  expect(received).toContain('STATUS=Not serving: There is no stake')
  notice?.tell({ WATCHDOG: '1' })
  await vi.waitFor(() => expect(received).toContain('WATCHDOG=1'))
  receiver.kill()
  await once(receiver, 'exit')
  expect(warnings).toEqual([])
})

function canRun(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
