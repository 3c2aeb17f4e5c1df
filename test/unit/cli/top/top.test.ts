// `starling top` as a process of its own, in a terminal and without one, against a socket as a node has it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { builtProgram } from '../../../../devnet/built-program.ts'
import { silentLogger } from '../../../../src/base/logger.ts'
import { adminSocketPath } from '../../../../src/cli/admin-client.ts'
import { EXIT } from '../../../../src/cli/exit-codes.ts'
import { createAdminRoutes } from '../../../../src/node/admin-routes.ts'
import { startAdminSocket } from '../../../../src/node/admin-socket.ts'
import { aNodeStatus } from '../../../support/node-status.ts'
import { runStarling, startStarling } from '../../../support/program.ts'
import { Terminal, terminalsLacking } from '../../../support/terminal.ts'

const CLEARED = '\u001b[J'
const LEFT = '\u001b[?1049l'

let folder: string
let node: AsyncDisposable
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-top-'))
  await start()
})
afterEach(() => expect.hasAssertions())
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** What a node puts into its data folder for its operator. */
async function start(): Promise<void> {
  const told = {
    status: async () => aNodeStatus(),
    peers: () => ({ version: 1, takenAtMs: 0, members: 1, peers: [] }) as const,
    swarm: () => Promise.reject(new Error('Nobody asks for it')),
    settings: () => ({ version: 1, settings: {} }) as const,
  }
  const signatures = { collect: () => Promise.reject(new Error('Nobody asks for any')) }
  const history = { samples: () => [], sampleIntervalMs: 10_000 }
  const handle = createAdminRoutes({ told, history, signatures, rewards: undefined })
  node = await startAdminSocket({ log: silentLogger, handle }, { path: adminSocketPath(folder) })
}

const words = () => ['top', '--data-folder', folder, '--interval', '0.5']

test('--once prints one picture without colours where there is no terminal', async () => {
  const { code, stdout } = await runStarling([...words(), '--once'])
  expect(code).toBe(EXIT.ok)
  expect(stdout).toMatch(/^Starling ababab…abab {2}1\.2\.3 .*\n● Serving, and all is well\n/)
  expect(stdout).not.toContain('\u001b')
})

test('--json prints a document at every look, until it is told to stop', async () => {
  await using program = startStarling([...words(), '--json'])
  await program.until(({ events }) => events[1])
  program.kill('SIGTERM')
  expect((await program.ended()).code).toBe(EXIT.ok)
  expect(program.events[0]).toEqual({ version: 1, status: aNodeStatus(), traffic: null })
  expect(program.events.at(-1)).toMatchObject({ stopped: true })
})

test('without a terminal it says what to type instead', async () => {
  const { code, stderr, stdout } = await runStarling(words())
  expect([code, stdout]).toEqual([EXIT.usage, ''])
  expect(stderr).toContain('TERMINAL_MISSING')
  expect(stderr).toContain('--once')
})

test('where no node runs it says so as every command does', async () => {
  const { code, stdout } = await runStarling(['top', '--json', '--data-folder', join(folder, 'other')])
  expect(code).toBe(EXIT.notRunning)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'NODE_NOT_RUNNING' } })
})

const lacking = terminalsLacking()
if (lacking !== undefined) console.warn(`SKIPPED, so nothing is known of starling top in terminals: ${lacking}`)

describe.skipIf(lacking !== undefined)('in a terminal', () => {
  function open(env: Readonly<Record<string, string>> = {}): Terminal {
    const program = builtProgram()
    const command = [process.execPath, program.main, ...words()].map((word) => `'${word}'`).join(' ')
    return new Terminal(command, { columns: 80, rows: 24 }, { ...program.env, ...env })
  }
  const framesOf = (output: string) => output.split(CLEARED).slice(0, -1)
  const linesOf = (frame = '') => (frame.split('\u001b[H').at(-1) ?? '').split(/\r*\n/)
  const widthOf = (line: string) => [...stripVTControlCharacters(line)].length

  test('it draws again and again, follows the size of the terminal, and q gives the terminal back', async () => {
    await using terminal = open()
    await terminal.until((output) => framesOf(output).length >= 2)
    const [first = ''] = framesOf(terminal.output)
    expect(linesOf(first).length).toBeLessThanOrEqual(24)
    expect(Math.max(...linesOf(first).map(widthOf))).toBe(80)
    terminal.resize({ columns: 50, rows: 12 })
    await terminal.until((output) => linesOf(framesOf(output).at(-1)).length === 12)
    expect(Math.max(...linesOf(framesOf(terminal.output).at(-1)).map(widthOf))).toBe(50)
    terminal.type('q')
    expect(await terminal.ended()).toEqual({ code: EXIT.ok, isRestored: true })
    const [drawn, after] = terminal.output.split(LEFT)
    expect(drawn).toContain('\u001b[32m')
    // The last picture stays.
    expect(after).toContain('Serving, and all is well')
  })

  test('Ctrl-C gives it back too; with NO_COLOR there are no colours', async () => {
    await using terminal = open({ NO_COLOR: '1' })
    await terminal.until((output) => output.includes(CLEARED))
    terminal.type('\u0003')
    expect(await terminal.ended()).toEqual({ code: EXIT.ok, isRestored: true })
    expect(terminal.output).toContain(LEFT)
    expect(terminal.output.split('\u001b[').filter((part) => /^\d+m/.test(part))).toEqual([])
  })

  test('it stays when the node goes, says since when, and sees it come back', async () => {
    await using terminal = open()
    await terminal.until((output) => output.includes(CLEARED))
    await node[Symbol.asyncDispose]()
    await terminal.until((output) => output.includes('This node has not answered since'))
    await start()
    await terminal.until((output) => (framesOf(output).at(-1) ?? '').includes('Serving, and all is well'))
    terminal.type('q')
    expect((await terminal.ended()).code).toBe(EXIT.ok)
  })
})
