// What holds for every command that there is, by the parser's own account of them: nothing is listed here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Command, type CommandOption, commandTree } from '../../../src/cli/completion/command-tree.ts'
import { flattened } from '../../../src/cli/completion/shells.ts'
import { EXIT, EXIT_CODES_TEXT } from '../../../src/cli/exit-codes.ts'
import { createParser } from '../../../src/cli/parser.ts'
import { createKeyFiles } from '../../../src/node/key-files.ts'
import { runInProcess } from '../../support/in-process-program.ts'

const WIDTH = 120
const commands = flattened(await commandTree(createParser, WIDTH)).filter(({ words }) => words.length > 0)
const leaves = commands.filter((command) => command.commands.length === 0)
const named = (list: readonly Command[]) => list.map((command) => [command.words.join(' '), command] as const)

let folder: string
const home = process.cwd()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'starling-every-command-'))
  await createKeyFiles(join(folder, 'keys'))
  writeFileSync(join(folder, 'starling.yml'), JSON.stringify(CONFIGURATION))
  process.chdir(folder)
})
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

/** A node that could start; no RPC provider answers there, and it does not run. */
const CONFIGURATION = {
  network: 'devnet',
  publicIp: '127.0.0.1',
  dataFolder: 'data',
  keysFolder: 'keys',
  'staking.contract': `0x${'1'.repeat(40)}`,
  'staking.rpcUrls': ['http://127.0.0.1:1'],
}

/** What fits a flag or a word of this name, whichever command it belongs to. */
const FITTING: Readonly<Record<string, string>> = {
  config: 'starling.yml',
  'keys-folder': 'keys',
  shell: 'fish',
  seed: 'https://127.0.0.1:1',
  operator: `0x${'2'.repeat(40)}`,
  node: '7',
}

function valueFor({ name, choices }: CommandOption): string {
  return FITTING[name] ?? choices[0] ?? `nothing-${name}`
}

/** All that the command cannot do without, and what says with which node it has to do. */
function wordsFor({ words, positionals, options }: Command, more: readonly string[] = []): readonly string[] {
  const given = options.filter(({ name, isRequired }) => isRequired || name === 'config' || name === 'keys-folder')
  const flags = given.flatMap((option) => [`--${option.name}`, valueFor(option)])
  return [...words, ...positionals.filter(({ isRequired }) => isRequired).map(valueFor), ...flags, ...more]
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: It is those that are looked for.
const ESCAPES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/

function expectManners({ code, stdout, stderr }: Awaited<ReturnType<typeof runInProcess>>): Record<string, unknown> {
  expect(Object.values(EXIT)).toContain(code)
  expect([stdout, stderr].join('')).not.toMatch(ESCAPES)
  expect(stdout).toMatch(/^[^\n]+\n$/)
  const document = JSON.parse(stdout) as Record<string, unknown>
  if ('error' in document) {
    expect(document['error']).toEqual({
      code: expect.any(String),
      message: expect.any(String),
      details: expect.any(Object),
    })
    expect(code).not.toBe(EXIT.ok)
    expect(code).not.toBe(EXIT.internal)
    expect(stderr).not.toBe('')
  }
  return document
}

test('there are commands, and groups of them', () => {
  expect(leaves.length).toBeGreaterThan(30)
  expect(commands.length).toBeGreaterThan(leaves.length)
})

describe.each(named(commands))('starling %s', (name, { words, help, describe: said, options }) => {
  test('has help with an example, exit codes and words for every flag', () => {
    expect(help).toContain(`Examples:\n  starling ${words[0]}`)
    expect(help.replace(/\s+/g, ' ')).toContain(EXIT_CODES_TEXT.replace(/\s+/g, ' '))
    expect([name, said]).toEqual([name, expect.stringMatching(/^[A-Z]/)])
    expect(options.filter((option) => option.describe === '').map((option) => option.name)).toEqual([])
  })
})

const ended: string[] = []

describe.each(named(leaves))('starling %s --json', (_name, command) => {
  test('has one document to say, asks nothing, and ends with a documented code', async () => {
    // What runs until it is stopped is not started: it is told of a file that is not there.
    const isService = command.describe.includes('until SIGTERM')
    const words = wordsFor(command, ['--json'])
    const end = await runInProcess(isService ? words.map((word) => word.replace('starling.yml', 'none.yml')) : words)
    expectManners(end)
    if (end.code === EXIT.ok) ended.push(command.words.join(' '))
  })

  test('refuses a flag that there is not, in one document', async () => {
    const end = await runInProcess(wordsFor(command, ['--json', '--no-such-flag-anywhere']))
    expect(expectManners(end)).toMatchObject({ error: { code: 'USAGE' } })
    expect(end.code).toBe(EXIT.usage)
  })
})

test('several of them have succeeded, so that what is said of success holds', () => {
  expect(ended.length).toBeGreaterThan(5)
})
