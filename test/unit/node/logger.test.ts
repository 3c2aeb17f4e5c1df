import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { CodedError } from '../../../src/base/coded-error.ts'
import { createLogger } from '../../../src/node/logger.ts'

function logged(): { lines: () => Record<string, unknown>[]; stream: Writable } {
  const written: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      done()
    },
  })
  return {
    lines: () =>
      written
        .join('')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    stream,
  }
}

test('a line is one JSON object with time, level, part, facts and sentence', () => {
  const { lines, stream } = logged()
  createLogger({ level: 'info', format: 'json' }, stream).part('swarm').info({ members: 7 }, 'Our swarm changed')
  expect(lines()).toEqual([
    { time: expect.stringMatching(/^\d{4}-/), level: 'info', part: 'swarm', members: 7, msg: 'Our swarm changed' },
  ])
})

test('lines below the level are not written', () => {
  const { lines, stream } = logged()
  const log = createLogger({ level: 'warn', format: 'json' }, stream)
  log.info({}, 'Not this')
  log.warn({}, 'But this')
  expect(lines().map((line) => line['msg'])).toEqual(['But this'])
})

test('an error is logged with its code and causes, and URLs keep only their host', () => {
  const { lines, stream } = logged()
  const cause = new Error('fetch https://user:pass@rpc.example/v2/s3cret?key=s3cret failed')
  const error = new CodedError('PROVIDER_DOWN', 'Asked https://rpc.example/s3cret in vain', {
    details: { tries: 3 },
    cause,
  })
  createLogger({ level: 'info', format: 'json' }, stream).error({ error }, 'The chain cannot be read')
  expect(lines()[0]?.['error']).toMatchObject({
    code: 'PROVIDER_DOWN',
    message: 'Asked https://rpc.example/… in vain',
    details: { tries: 3 },
    cause: { message: 'fetch https://rpc.example/… failed' },
  })
  expect(JSON.stringify(lines())).not.toMatch(/s3cret|pass/)
})

// /dev/full takes nothing, as a full disk.
test.runIf(existsSync('/dev/full'))('standard output on a full disk costs lines and not the process', () => {
  const full = openSync('/dev/full', 'w')
  const module = JSON.stringify(join(import.meta.dirname, '../../../src/node/logger.ts'))
  const program = `
    const { createLogger, defaultLogOptions } = await import(${module})
    const log = createLogger(defaultLogOptions)
    for (let line = 0; line < 3000; line++) log.info({ line, filling: 'x'.repeat(1000) }, 'A line')
    setImmediate(() => { log.info({}, 'The last'); process.stderr.write('goes on') })`
  const args = ['--input-type=module', '-e', program]
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' })
  closeSync(full)
  expect([status, stderr]).toEqual([0, 'goes on'])
})
