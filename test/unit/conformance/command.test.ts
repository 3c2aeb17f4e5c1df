// The program as operators run it, as far as that needs no network.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CASES } from '../../../conformance/case-list.ts'
import { Program } from '../../support/program.ts'

const MAIN = join(import.meta.dirname, '../../../conformance/main.ts')

async function run(...args: readonly string[]) {
  await using program = new Program(process.execPath, [MAIN, ...args])
  return await program.ended()
}

test('cases can be listed, those of some methods alone too', async () => {
  const { code, stdout } = await run('--list', '--only', 'info', '--only', 'store')
  expect(code).toBe(0)
  const chosen = CASES.filter(({ subject }) => ['info', 'store'].includes(subject))
  const lines = chosen.map(({ subject, aspect, basis, name }) => `${subject}\t${aspect}\t${basis}\t${name}`)
  expect(stdout.trim().split('\n')).toEqual(lines)
})

test('a reader who has seen enough, as `head` has, is no failure', async () => {
  const child = spawn(process.execPath, [MAIN, '--list'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  expect([code, stderr]).toEqual([0, ''])
})

test.each([
  ['no node', []],
  ['a node over plain HTTP', ['--url', 'http://127.0.0.1:1']],
  ['a method that there is not', ['--url', 'https://127.0.0.1:1', '--only', 'fly']],
])('%s is refused with exit code 2', async (_what, args) => {
  const { code, stdout, stderr } = await run(...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).not.toBe('')
})

test('a node that cannot be reached is exit code 69', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { code, stdout, stderr } = await run('--url', `https://127.0.0.1:${port}`)
  server.close()
  expect([code, stdout]).toEqual([69, ''])
  expect(stderr).toContain('cannot be asked')
})
