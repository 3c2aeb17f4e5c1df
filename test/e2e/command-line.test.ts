// The commands of `starling` as people and scripts use them, each in a process of its own.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../devnet/free-port.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { runInProcess } from '../support/in-process-program.ts'
import { Program, type ProgramEnd, runStarling, startStarling } from '../support/program.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-command-line-'))
})
afterAll(() => rm(folder, { recursive: true }))

const inFolder = (name: string) => join(folder, name)

/** The one JSON document of a command that was given --json. */
function documentOf({ stdout }: ProgramEnd): Record<string, unknown> {
  expect(stdout).toMatch(/^[^\n]+\n$/)
  return JSON.parse(stdout) as Record<string, unknown>
}

async function createAccount(name: string): Promise<{ file: string; id: string }> {
  const file = inFolder(`${name}.account`)
  const end = await runStarling(['account', 'create', '--file', file, '--json'])
  expect(end).toMatchObject({ code: EXIT.ok, stderr: '' })
  return { file, id: String(documentOf(end)['accountId']) }
}

// What holds for every command is tested in test/unit/cli/every-command.test.ts.
describe('help', () => {
  async function importsOf(words: readonly string[]): Promise<readonly string[]> {
    const file = inFolder('imports')
    const recorder = join(import.meta.dirname, '../support/import-recorder.ts')
    // From the sources: of the built program it would see few modules.
    const main = join(import.meta.dirname, '../../src/cli/main.ts')
    await using program = new Program(process.execPath, ['--import', recorder, main, ...words], {
      env: { IMPORTS_FILE: file },
    })
    await program.ended()
    return (await readFile(file, 'utf8')).split('\n')
  }

  test('starts without the network and the chain being loaded', async () => {
    for (const words of [['--help'], ['run', '--help'], ['stake', 'register', '--help'], ['--version']]) {
      const imported = await importsOf(words)
      expect(imported).toContain('yargs')
      const heavy = imported.filter((name) => /libp2p|^viem$|^level$|^classic-level$|^prom-client$/.test(name))
      expect([words, heavy]).toEqual([words, []])
    }
    // The recorder does see them where they are needed.
    const closed = `http://127.0.0.1:${await freePort('127.0.0.1')}`
    const status = ['stake', 'status', '--rpc', closed, '--contract', `0x${'1'.repeat(40)}`, '--chain-id', '1']
    await runStarling(['keys', 'create', '--keys-folder', inFolder('recorded-keys')])
    expect(await importsOf([...status, '--keys-folder', inFolder('recorded-keys')])).toContain('viem')
  })

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(await runStarling(['--version'])).toMatchObject({ code: EXIT.ok, stdout: `${version}\n` })
  })
})

describe('a failure', () => {
  let account: { file: string; id: string }
  let closed: string
  beforeAll(async () => {
    account = await createAccount('carol')
    closed = `http://127.0.0.1:${await freePort('127.0.0.1')}`
  })

  const contract = `0x${'1'.repeat(40)}`
  const cases: readonly [what: string, words: () => readonly string[], code: number, error: string][] = [
    ['an unknown command', () => ['sned'], EXIT.usage, 'USAGE'],
    ['an unknown flag', () => ['keys', 'show', '--kyes-folder', 'x'], EXIT.usage, 'USAGE'],
    ['a missing flag', () => ['account', 'show'], EXIT.usage, 'USAGE'],
    ['no keys', () => ['keys', 'show', '--keys-folder', inFolder('none')], EXIT.keys, 'SECRET_FILE_MISSING'],
    ['an account that exists', () => ['account', 'create', '--file', account.file], EXIT.keys, 'SECRET_FILE_EXISTS'],
    [
      'a recipient that is none',
      () => ['send', '--seed', closed, '--account', account.file, '--to', '05ab', 'hi'],
      EXIT.usage,
      'RECIPIENT_MALFORMED',
    ],
    [
      'a chain that does not answer',
      () => [
        'stake',
        'status',
        '--keys-folder',
        inFolder('keys'),
        '--rpc',
        closed,
        '--contract',
        contract,
        '--chain-id',
        '1',
      ],
      EXIT.chain,
      'PROVIDERS_UNAVAILABLE',
    ],
  ]

  // A process of its own for each would take a second.
  test.for(cases)('%s', async ([what, words, code, error]) => {
    if (what.startsWith('a chain')) await runInProcess(['keys', 'create', '--keys-folder', inFolder('keys')])
    const end = await runInProcess([...words(), '--json'])
    // One document for scripts, and a line for people beside it.
    expect({ code: end.code, lines: end.stdout.match(/\n/g)?.length }).toEqual({ code, lines: 1 })
    expect(JSON.parse(end.stdout)).toEqual({
      error: { code: error, message: expect.any(String), details: expect.any(Object) },
    })
    expect(end.stderr).not.toBe('')
    expect(end.stderr).not.toMatch(/\n {4}at /)
  })

  test('of a process of its own has the same exit code and documents', async () => {
    const receive = ['receive', '--seed', closed, '--account', account.file, '--json']
    const [known, unknown, ...unanswered] = await Promise.all([
      runStarling(['keys', 'show', '--keys-folder', inFolder('none'), '--json']),
      runStarling(['sned', '--json']),
      // These wait for seconds.
      runStarling(receive),
      runStarling([...receive, '--follow']),
    ])
    for (const end of unanswered) {
      expect([end.code, documentOf(end)]).toMatchObject([EXIT.unavailable, { error: { code: 'SEEDS_UNAVAILABLE' } }])
    }
    expect([known.code, documentOf(known)]).toMatchObject([EXIT.keys, { error: { code: 'SECRET_FILE_MISSING' } }])
    expect([unknown.code, documentOf(unknown)]).toMatchObject([EXIT.usage, { error: { code: 'USAGE' } }])
    expect(unknown.stderr).toContain('There is no command sned. Did you mean send?')
  })

  test('an account file that others can read is refused with what mends it', async () => {
    const { file } = await createAccount('exposed')
    await chmod(file, 0o644)
    const { code, stdout, stderr } = await runStarling(['account', 'show', '--file', file])
    expect({ code, stdout }).toEqual({ code: EXIT.keys, stdout: '' })
    expect(stderr).toBe(`Error SECRET_FILE_EXPOSED: Other users may read ${file}; run: chmod 600 ${file}\n`)
  })

  const NEEDED = ['--publicIp', '127.0.0.1', '--staking.rpcUrls', 'http://127.0.0.1:1']
  test.for([
    [[...NEEDED, '--metrics.port', '70000'], 'metrics.port must be a whole number from 0 to 65535, not 70000'],
    [['--log.level', 'loud'], 'Invalid values'],
    [['--config', '/nowhere/starling.yml'], 'Cannot read the configuration file /nowhere/starling.yml'],
    [['--network', '/nowhere/net.json'], 'Cannot read the network preset /nowhere/net.json'],
    [[], 'publicIp must be given'],
  ] as const)('starling run %j says in words what is wrong', async ([args, words]) => {
    const { code, stdout, stderr } = await runInProcess(['run', ...args])
    expect({ code, stdout }).toEqual({ code: EXIT.usage, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr).not.toMatch(/\n {4}at /)
  })
})

describe('two people', () => {
  let devnet: Awaited<ReturnType<typeof startTestDevnet>>
  let alice: { file: string; id: string }
  let bob: { file: string; id: string }
  beforeAll(async () => {
    devnet = await startTestDevnet({ nodes: 7, inProcess: true, logLevel: 'warn' })
    alice = await createAccount('alice')
    bob = await createAccount('bob')
  })
  afterAll(() => devnet?.[Symbol.asyncDispose]())

  const as = ({ file }: { file: string }) => ['--seed', devnet.seed, '--account', file]

  test('exchange lines, as arguments and through a pipe', async () => {
    const sent = await runStarling(['send', ...as(alice), '--to', bob.id, 'See you at eight', '--json'])
    expect(sent).toMatchObject({ code: EXIT.ok, stderr: '' })
    expect(documentOf(sent)).toMatchObject({ sent: true, confirmations: 7, members: 7 })

    const read = await runStarling(['receive', ...as(bob), '--json'])
    expect(read).toMatchObject({ code: EXIT.ok, stderr: '' })
    expect(documentOf(read)).toMatchObject({
      messages: [{ from: alice.id, text: 'See you at eight', hash: documentOf(sent)['hash'] }],
      unreadable: 0,
    })

    const piped = await runStarling(['send', ...as(bob), '--to', alice.id], { input: 'Nine is better\nBob\n' })
    expect(piped).toMatchObject({ code: EXIT.ok, stderr: '' })
    expect(piped.stdout).toMatch(/^Sent to 05[0-9a-f]{64}: 7 of 7 nodes confirmed/)
    const { stdout } = await runStarling(['receive', ...as(alice)])
    expect(stdout).toContain(`${bob.id}\n  Nine is better\n  Bob\n`)
  })

  // Nobody waits for the next question: nodes tell of the message, through hops or over a connection.
  test.each([
    ['through hops', []],
    ['directly', ['--direct']],
  ])('see messages as they come with --follow, %s, until SIGINT', async (way, flags) => {
    const words = ['receive', '--follow', ...flags, '--interval', '3600', ...as(bob), '--json']
    await using following = startStarling(words)
    await following.until(({ events }) => events.find(({ text }) => text === 'See you at eight'))
    const said = `I am late, ${way}`
    await runStarling(['send', ...as(alice), '--to', bob.id, said])
    const late = await following.until(({ events }) => events.find(({ text }) => text === said))
    expect(late).toMatchObject({ from: alice.id })

    following.kill('SIGINT')
    expect(await following.ended()).toMatchObject({ code: EXIT.ok, stderr: '' })
    expect(following.events.at(-1)).toMatchObject({ stopped: true, unreadable: 0 })
  })

  test('are told when nothing waits for them', async () => {
    const carol = await createAccount('nobody')
    const { code, stdout } = await runStarling(['receive', ...as(carol)])
    expect({ code, stdout }).toEqual({ code: EXIT.ok, stdout: 'No messages.\n' })
  })
})
