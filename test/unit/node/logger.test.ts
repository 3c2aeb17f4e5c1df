import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, fstatSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CodedError } from '../../../src/base/coded-error.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createLogMetrics } from '../../../src/node/log-metrics.ts'
import { defaultLogOptions } from '../../../src/node/log-options.ts'
import { createLogger, openLog } from '../../../src/node/logger.ts'

const LOGGER = JSON.stringify(join(import.meta.dirname, '../../../src/node/logger.ts'))
const OPTIONS = JSON.stringify(defaultLogOptions)

function lines() {
  const written: string[] = []
  return {
    written,
    write: (line: string) => void written.push(line),
    parsed: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

test('a line is one JSON object with time, level, part, facts and sentence', () => {
  const out = lines()
  createLogger(defaultLogOptions, out).part('swarm').info({ members: 7 }, 'Our swarm changed')
  expect(out.parsed()).toEqual([
    { time: expect.stringMatching(/^\d{4}-/), level: 'info', part: 'swarm', members: 7, msg: 'Our swarm changed' },
  ])
})

test('a pretty line is one line that says the same', () => {
  const out = lines()
  const log = createLogger({ ...defaultLogOptions, format: 'pretty' }, out)
  log.part('swarm').info({ members: 7 }, 'Our swarm changed')
  expect(out.written.join('')).toMatch(/INFO.*Our swarm changed\n.*part: "swarm"\n.*members: 7\n$/)
})

test('each part has a level of its own, and the others the common one', () => {
  const out = lines()
  const log = createLogger({ ...defaultLogOptions, level: 'warn', parts: { swarm: 'debug', node: 'info' } }, out)
  log.part('rpc').info({}, 'Not this')
  log.part('swarm').debug({}, 'But this')
  log.part('swarm').trace({}, 'Not this either')
  log.info({}, 'And this')
  expect(out.parsed().map((line) => line['msg'])).toEqual(['But this', 'And this'])
})

test('an error is logged with its code and causes, and URLs keep only their host', () => {
  const out = lines()
  const cause = new CodedError('HTTP_FAILED', 'https://user:pass@rpc.example/v2/s3cret?key=s3cret failed')
  const details = { tries: 3 }
  const error = new CodedError('PROVIDER_DOWN', 'Asked https://rpc.example/s3cret in vain', { details, cause })
  createLogger(defaultLogOptions, out).error({ error }, 'The chain cannot be read')
  expect(out.parsed()[0]?.['error']).toMatchObject({
    code: 'PROVIDER_DOWN',
    message: 'Asked https://rpc.example/… in vain',
    details: { tries: 3 },
    cause: { message: 'https://rpc.example/… failed' },
  })
  expect(out.written.join('')).not.toMatch(/s3cret|pass/)
})

test('of errors that others made, only kind, code and place are told: their words may hold what was worked on', () => {
  const out = lines()
  const log = createLogger(defaultLogOptions, out)
  const words = 'my payload\n    at s3cret (/s3cret:1:1)'
  log.error({ error: new TypeError(words, { cause: new AggregateError([new Error(words)], words) }) }, 'A fault')
  log.error({ error: words }, 'Not even an error')
  const renamed = Object.assign(new Error('before'), { name: words, message: words })
  log.error({ error: renamed }, 'An error whose words were changed')
  const system = Object.assign(new Error(words), { code: 'ECONNRESET', syscall: 'read', address: '192.0.2.7' })
  log.error({ error: system }, 'The system failed')
  expect(out.written.join('')).not.toMatch(/payload|s3cret|192\.0\.2\.7/)
  const [fault, , , failed] = out.parsed().map((line) => line['error'])
  expect(fault).toMatchObject({
    name: 'TypeError',
    stack: expect.arrayContaining([expect.stringContaining('logger.test.ts')]),
  })
  expect(failed).toEqual({ name: 'Error', code: 'ECONNRESET', syscall: 'read' })
})

test('whatever a part hands over, a line has a bounded length, no bytes, and nothing that a terminal obeys', () => {
  const out = lines()
  const log = createLogger(defaultLogOptions, out)
  const circular: Record<string, unknown> = { list: Array.from({ length: 1e5 }, () => 'x'.repeat(500)) }
  circular['self'] = circular
  log.info(circular, 'A great deal')
  log.info(
    { text: '\u001b[31mred\u009b\n', count: 10n ** 30n, bytes: new Uint8Array(32), map: new Map(), nothing: null },
    'Odd things',
  )
  log.info(Object.fromEntries(Array.from({ length: 1e4 }, (_, at) => [`name${at}`.repeat(100), at])), 'Long names')
  log.info({}, 'w'.repeat(1e6))
  expect(Math.max(...out.written.map((line) => line.length))).toBeLessThan(16 * 1024)
  expect(out.written.join('')).not.toMatch(/\\u001b|\\u009b|\u009b/)
  expect(out.parsed()[1]).toMatchObject({ count: `1${'0'.repeat(30)}`, bytes: '<32 bytes>', map: '<Map>' })
})

test('account ids and message hashes that a part hands over by mistake are taken out, keys of nodes are not', () => {
  const out = lines()
  const account = `05${'ab'.repeat(32)}`
  const hash = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYm1'
  const node = 'cd'.repeat(32)
  createLogger(defaultLogOptions, out).warn({ what: `of ${account}`, [account]: hash, node }, `About ${hash}`)
  expect(out.written.join('')).not.toMatch(new RegExp(`${account}|${hash}`, 'i'))
  expect(out.parsed()).toMatchObject([{ what: 'of <account>', node, msg: 'About <hash>' }])
})

test('a hundred thousand equal errors become a few lines, and one that tells how many there were', async () => {
  const out = lines()
  const registry = createMetricsRegistry()
  const { log, countIn, flush } = openLog(defaultLogOptions, out)
  countIn(createLogMetrics(registry))
  for (let at = 0; at < 1e5; at++) log.part('rpc').error({ at }, 'It failed')
  log.part('rpc').error({}, 'Something else failed')
  flush()
  expect(out.written.length).toBeLessThan(100)
  const repeated = Number(out.parsed().at(-1)?.['repeated'])
  expect(out.parsed().at(-1)).toMatchObject({ level: 'error', part: 'rpc', msg: 'It failed' })
  expect(repeated + out.written.length - 2).toBe(1e5)
  expect(await registry.expose()).toContain(`starling_log_repeated_lines_total ${repeated}`)
})

test.each(['json', 'pretty'] as const)('to the journal, each %s line begins with its priority', async (format) => {
  const folder = await mkdtemp(join(tmpdir(), 'starling-journal-'))
  const file = openSync(join(folder, 'out'), 'w')
  const { dev, ino } = fstatSync(file, { bigint: true })
  const program = `
    const { createLogger } = await import(${LOGGER})
    const log = createLogger({ level: 'trace', parts: {}, format: ${JSON.stringify(format)} })
    for (const level of ['error', 'warn', 'info', 'debug', 'trace']) log[level]({ fact: level }, 'Said')`
  const run = (journal: string) => {
    const env = { ...process.env, JOURNAL_STREAM: journal, NO_COLOR: '1' }
    const args = ['--input-type=module', '-e', program]
    return spawnSync(process.execPath, args, { stdio: ['ignore', file, 'pipe'], env, encoding: 'utf8' }).status
  }
  expect(run(`${dev}:${ino}`)).toBe(0)
  const marked = (await readFile(join(folder, 'out'), 'utf8')).trimEnd().split('\n')
  const priorities = marked.filter((line) => line.includes('Said')).map((line) => line.slice(0, 3))
  expect(priorities).toEqual(['<3>', '<4>', '<6>', '<7>', '<7>'])
  expect(marked.filter((line) => !/^<[3467]>/.test(line))).toEqual([])

  // Output that was led elsewhere is no journal's.
  await truncate(join(folder, 'out'))
  expect(run(`${dev}:${ino + 1n}`)).toBe(0)
  expect(await readFile(join(folder, 'out'), 'utf8')).not.toMatch(/<[0-9]>/)
  closeSync(file)
  await rm(folder, { recursive: true })
})

// /dev/full takes nothing, as a full disk.
test.runIf(existsSync('/dev/full'))('standard output on a full disk costs lines and not the process', () => {
  const full = openSync('/dev/full', 'w')
  const program = `
    const { createLogger } = await import(${LOGGER})
    const log = createLogger(${OPTIONS})
    for (let line = 0; line < 3000; line++) log.info({ line, filling: 'x'.repeat(1000) }, 'A line ' + line)
    setImmediate(() => { log.info({}, 'The last'); process.stderr.write('goes on') })`
  const args = ['--input-type=module', '-e', program]
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' })
  closeSync(full)
  expect([status, stderr]).toEqual([0, 'goes on'])
})

test('whoever reads the log slowly holds nothing up, and is told how many lines were lost', async () => {
  // 5 MB at once, into a pipe that nobody reads before they are written; then a line a turn until the reader has caught up.
  const program = `
    const { createLogger } = await import(${LOGGER})
    const log = createLogger(${OPTIONS})
    for (let line = 0; line < 5000; line++) log.info({ filling: 'x'.repeat(1000) }, 'A line ' + line)
    process.stderr.write('written')
    process.stdin.once('data', () => { log.info({}, 'The last'); process.exit(0) })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'pipe'] })
  await once(child.stderr, 'data')
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (text.includes('Log lines were lost')) child.stdin.write('enough')
  })
  await once(child, 'close')
  const read = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const written = read.filter(({ msg }) => String(msg).startsWith('A line'))
  const told = read.find(({ part }) => part === 'log')
  expect(read.at(-1)?.['msg']).toBe('The last')
  expect(Number(told?.['lost']) + written.length).toBe(5000)
  expect(written.length).toBeGreaterThan(500)
})
