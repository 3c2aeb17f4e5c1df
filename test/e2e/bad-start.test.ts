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
import { EXIT } from '../../src/cli/exit-codes.ts'
import { BLS_KEY_FILE, createKeyFiles, ED25519_KEY_FILE } from '../../src/node/key-files.ts'
import { runStarling } from '../support/program.ts'

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

async function runWith(configuration: string | Uint8Array) {
  const path = join(folder, `starling-${++files}.yml`)
  writeFileSync(path, configuration)
  return runStarling(['run', '--config', path], { cwd: folder })
}

const yaml = (changes: Readonly<Record<string, unknown>>) => () => JSON.stringify(settings(changes))

const BROKEN: readonly (readonly [what: string, configuration: () => string | Uint8Array, says: RegExp])[] = [
  ['an empty file', () => '', /publicIp must be given/],
  ['a torn list', () => 'network.bootstrap: [1', /Cannot read the configuration file .* line 1/],
  ['a list', () => '- publicIp', /not a mapping/],
  ['one word', () => 'starling', /not a mapping/],
  ['bytes that are no text', () => Buffer.from('7075626c696349703a20ff00fe', 'hex'), /publicIp must be an IP address/],
  ['a key twice', () => 'publicIp: 192.0.2.7\npublicIp: 192.0.2.8\n', /unique at line 2/],
  ['references to references', () => 'a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n', /Alias/],
  ['keys in keys in keys', () => '{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}', /nested too deeply/],
  ['300 KiB', () => `${JSON.stringify(settings())}${' '.repeat(300 * 1024)}`, /larger than 262144 bytes/],
  ['an unknown key', yaml({ 'metrcs.port': 1 }), /no option metrcs\.port\. Did you mean/],
  ['a key in the wrong case', yaml({ 'Metrics.Port': 1 }), /no option Metrics\.Port\. Did you mean/],
  ['an unknown network', yaml({ network: 'nosuchnet' }), /network preset nosuchnet/],
  ['no publicIp', yaml({ publicIp: undefined }), /publicIp must be given/],
  ['null for publicIp', yaml({ publicIp: null }), /publicIp must be/],
  ['a number for publicIp', yaml({ publicIp: 5 }), /publicIp must be/],
  ['a name for publicIp', yaml({ publicIp: 'node.example' }), /publicIp must be an IP address/],
  ['an impossible listen address', yaml({ 'network.listenAddress': '999.1.1.1' }), /network\.listenAddress must be/],
  ['a name to listen on', yaml({ 'rpc.listenAddress': 'localhost' }), /rpc\.listenAddress must be/],
  ['an empty metrics address', yaml({ 'metrics.address': '' }), /metrics\.address must be/],
  ['letters for a port', yaml({ 'metrics.port': 'abc' }), /metrics\.port must be a whole number/],
  ['a port beyond 65535', yaml({ 'rpc.port': 70_000 }), /rpc\.port must be a whole number from 0 to 65535/],
  ['a negative port', yaml({ 'network.port': -1 }), /network\.port must be a whole number/],
  ['half a port', yaml({ 'rpc.port': 1.5 }), /rpc\.port must be a whole number/],
  ['a bootstrap address that is none', yaml({ 'network.bootstrap': ['nonsense'] }), /network\.bootstrap .*multiaddr/],
  ['numbers for bootstrap addresses', yaml({ 'network.bootstrap': [5] }), /network\.bootstrap must be a list/],
  ['too few connections', yaml({ 'network.connectionsMax': 2 }), /network\.connectionsMax must be/],
  ['neither true nor false', yaml({ 'network.allowPrivateAddresses': 'maybe' }), /allowPrivateAddresses must be/],
  ['half a contract', yaml({ 'staking.contract': '0x12' }), /staking\.contract must be 0x and 40 hex digits/],
  ['no contract', yaml({ 'staking.contract': undefined }), /staking\.contract must be given/],
  ['no RPC URLs', yaml({ 'staking.rpcUrls': [] }), /RPC URL/],
  ['an RPC URL of another kind', yaml({ 'staking.rpcUrls': ['ftp://127.0.0.1/'] }), /RPC URL must start with http/],
  ['an RPC URL twice', yaml({ 'staking.rpcUrls': ['http://a.test', 'http://a.test'] }), /RPC URL is given twice/],
  ['chain 0', yaml({ 'staking.chainId': 0 }), /staking\.chainId must be/],
  ['epochs without length', yaml({ 'staking.epochLengthS': 0 }), /staking\.epochLengthS must be/],
  ['swarms of nobody', yaml({ 'swarm.sizeMin': 0 }), /swarm\.sizeMin must be/],
  ['less than no room', yaml({ 'storage.totalBytesMax': -5 }), /storage\.totalBytesMax must be/],
  ['an unknown log level', yaml({ 'log.level': 'loud' }), /log\.level.*"loud"/],
  ['an unknown log format', yaml({ 'log.format': 'xml' }), /log\.format.*"xml"/],
  ['two data folders', yaml({ dataFolder: ['a', 'b'] }), /dataFolder must be one text/],
  ['no data folder', yaml({ dataFolder: '' }), /dataFolder must be/],
]

describe.concurrent('a configuration with', () => {
  test.each(BROKEN)('%s is refused, by name', async (_what, configuration, says) => {
    const { code, stdout, stderr } = await runWith(configuration())
    const said = stdout + stderr
    expect([code, said]).toEqual([EXIT.usage, expect.stringMatching(says)])
    expectNoStack(said)
  })

  test('a missing file is refused, by name', async () => {
    const { code, stderr } = await runStarling(['run', '--config', join(folder, 'nowhere.yml')])
    expect([code, stderr]).toEqual([EXIT.usage, expect.stringContaining('nowhere.yml')])
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

describe.concurrent('keys: ', () => {
  test.each(BROKEN_KEYS)('%s is refused with what mends it', async (_what, spoil, says) => {
    const keysFolder = join(folder, `keys-${++files}`)
    await createKeyFiles(keysFolder)
    spoil(keysFolder)
    const { code, stdout, stderr } = await runWith(JSON.stringify(settings({ keysFolder })))
    const said = stdout + stderr
    expect([code, said]).toEqual([EXIT.keys, expect.stringMatching(says)])
    expectNoStack(said)
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
