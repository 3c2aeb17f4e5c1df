// A node that is set up wrongly does not start: its exit code says what kind of mistake, its words which, and nobody gets a stack trace.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.ts'
import { loadIdentity } from '../../src/node/identity.ts'
import { BLS_KEY_FILE, createKeyFiles, ED25519_KEY_FILE } from '../../src/node/key-files.ts'
import { runStarling, startStarling } from '../support/program.ts'

let folder: string
let files = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'starling-test-start-'))
  await createKeyFiles(join(folder, 'keys'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Settings with which a node would start; it would find nobody at the RPC URL and wait. */
function settings(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    network: 'devnet',
    publicIp: '127.0.77.1',
    dataFolder: join(folder, `data-${++files}`),
    keysFolder: join(folder, 'keys'),
    'network.listenAddress': '127.0.77.1',
    'network.port': 0,
    'staking.contract': `0x${'11'.repeat(20)}`,
    'staking.rpcUrls': ['http://127.0.0.1:9'],
    'rpc.listenAddress': '127.0.77.1',
    'rpc.port': 0,
    'metrics.port': 0,
    ...changes,
  }
}

async function runWith(configuration: string) {
  const path = join(folder, `starling-${++files}.yml`)
  writeFileSync(path, configuration)
  return runStarling(['run', '--config', path], { cwd: folder })
}

// What is wrong with each of many files is found without a process: see test/unit/cli/broken-configurations.test.ts.
describe.concurrent('a configuration', () => {
  test('with problems is refused, each by name and place', async () => {
    const configuration = JSON.stringify(settings({ 'rpc.port': 70_000, 'log.level': 'loud' }), undefined, 1)
    const { code, stdout, stderr } = await runWith(configuration)
    expect({ code, stdout }).toEqual({ code: EXIT.usage, stdout: '' })
    expect(stderr).toMatch(/^starling: 2 problems in the configuration\n/)
    expect(stderr).toMatch(/\.yml:\d+:\d+: rpc\.port must be a whole number from 0 to 65535, not 70000/)
    expect(stderr).toMatch(/\.yml:\d+:\d+: log\.level must be one of .* not "loud"/)
    expectNoStack(stderr)
  })

  test('that is missing is refused, by name', async () => {
    const { code, stdout, stderr } = await runStarling(['run', '--json', '--config', join(folder, 'nowhere.yml')])
    expect([code, stderr]).toEqual([EXIT.usage, expect.stringContaining('nowhere.yml')])
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CONFIG_UNREADABLE' } })
    expectNoStack(stderr)
  })
})

const BROKEN_KEYS: readonly (readonly [what: string, spoil: (keys: string) => void, says: RegExp])[] = [
  ['no folder', (keys) => rmSync(keys, { recursive: true }), /keys create/],
  ['no Ed25519 key', (keys) => rmSync(join(keys, ED25519_KEY_FILE)), /key_ed25519 .*keys create/],
  ['no BLS key', (keys) => rmSync(join(keys, BLS_KEY_FILE)), /key_bls .*(keys create|backup)/],
  ['a torn Ed25519 key', (keys) => truncateSync(join(keys, ED25519_KEY_FILE), 63), /key_ed25519 must have 64 bytes/],
  ['a torn BLS key', (keys) => truncateSync(join(keys, BLS_KEY_FILE), 0), /key_bls must have 32 bytes/],
  [
    'halves that are not a pair',
    (keys) => writeKey(keys, ED25519_KEY_FILE, 64),
    /key_ed25519 is not an Ed25519 secret key/,
  ],
  ['a zero for a BLS key', (keys) => writeKey(keys, BLS_KEY_FILE, 32, 0), /key_bls is not a BLS secret key/],
  ['a key that others may read', (keys) => chmodSync(join(keys, ED25519_KEY_FILE), 0o644), /chmod 600 \S+key_ed25519/],
  ['a BLS key that the group may read', (keys) => chmodSync(join(keys, BLS_KEY_FILE), 0o640), /chmod 600 \S+key_bls/],
  ['a folder that others may write to', (keys) => chmodSync(keys, 0o777), /chmod 700 \S+/],
  ['a link instead of a key', (keys) => linkAway(keys, ED25519_KEY_FILE), /key_ed25519 is a symbolic link/],
  ['a folder instead of a key', (keys) => folderInstead(join(keys, BLS_KEY_FILE)), /key_bls is not a regular file/],
]

describe('keys: ', () => {
  // What a start does with them, and no more of it.
  test.each(BROKEN_KEYS)('%s is refused with what mends it', async (_what, spoil, says) => {
    const keysFolder = join(folder, `keys-${++files}`)
    await createKeyFiles(keysFolder)
    spoil(keysFolder)
    const error: unknown = await loadIdentity(keysFolder).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect([exitCodeOf(error), String(error)]).toEqual([EXIT.keys, expect.stringMatching(says)])
  })

  test('a start without them ends, with what mends it', async () => {
    const configuration = JSON.stringify(settings({ keysFolder: join(folder, 'nowhere') }))
    const { code, stdout, stderr } = await runWith(configuration)
    const said = stdout + stderr
    expect([code, said]).toEqual([EXIT.keys, expect.stringMatching(/keys create/)])
    expectNoStack(said)
  })
})

test('a running node reads its configuration again with SIGHUP, and keeps the old one when the new one is wrong', async () => {
  const path = join(folder, 'changing.yml')
  const write = (changes: Readonly<Record<string, unknown>>) =>
    writeFileSync(path, JSON.stringify({ ...unchanged, ...changes }))
  const unchanged = settings()
  write({})
  await using node = startStarling(['run', '--config', path], { cwd: folder })
  const said = (text: string) => node.until(({ events }) => events.find(({ msg }) => String(msg).includes(text)))
  await said('The HTTPS server listens')
  write({ 'rpc.port': 70_000, 'log.level': 'debug' })
  node.kill('SIGHUP')
  const refused = await said('was refused when it was read again')
  expect(refused).toMatchObject({
    level: 'warn',
    problems: [expect.stringContaining('rpc.port must be a whole number')],
  })
  write({ 'rpc.port': 443, 'log.level': 'debug' })
  node.kill('SIGHUP')
  expect(await said('what is waiting counts from the next start on')).toMatchObject({
    applied: ['log.level'],
    waiting: ['rpc.port'],
  })
})

/** Also not in JSON, where line ends are escaped. */
function expectNoStack(said: string): void {
  expect(said).not.toMatch(/(\n|\\n)\s+at /)
}

function writeKey(keys: string, name: string, bytes: number, value = 7): void {
  writeFileSync(join(keys, name), Buffer.alloc(bytes, value))
}

function linkAway(keys: string, name: string): void {
  renameSync(join(keys, name), join(keys, `${name}.elsewhere`))
  symlinkSync(join(keys, `${name}.elsewhere`), join(keys, name))
}

function folderInstead(path: string): void {
  rmSync(path)
  mkdirSync(path, { mode: 0o700 })
}
