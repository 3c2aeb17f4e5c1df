// How every command finds the node that is meant, and its configuration.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAdminClient } from '../../../src/cli/admin-client.ts'
import { readConfiguration } from '../../../src/cli/config/configuration.ts'
import type { Surroundings } from '../../../src/cli/config/configuration-file.ts'
import { exitCodeOf } from '../../../src/cli/exit-codes.ts'
import { keysFolderOf } from '../../../src/cli/keys/keys-folder.ts'
import { settingsOf } from '../../../src/cli/stake/chain.ts'
import { configurationNotes, nodePlaceOf } from '../../../src/cli/status/node-place.ts'

let folder: string
let systemFile: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-settings-'))
  systemFile = join(folder, 'etc', 'starling.yml')
  await mkdir(join(folder, 'etc'))
})
afterEach(() => rm(folder, { recursive: true }))

const CONTRACT = `0x${'ab'.repeat(20)}`
const PACKAGED = `network: testnet
publicIp: 192.0.2.7
dataFolder: /var/lib/starling
keysFolder: /var/lib/starling/keys
staking: {contract: '${CONTRACT}', rpcUrls: ['https://a.example', 'https://b.example']}
`
const around = (environment: Surroundings['environment'] = {}): Surroundings => ({ environment, systemFile })
const NO_FLAGS = { config: undefined, network: undefined, 'data-folder': undefined }
const KEYS_FLAGS = { config: undefined, 'keys-folder': undefined }
const CHAIN_FLAGS = {
  ...{ ...NO_FLAGS, ...KEYS_FLAGS, rpc: undefined, contract: undefined, 'chain-id': undefined, json: false },
}

test('without a word of which node is meant, every command takes the configuration of the machine’s own', async () => {
  await writeFile(systemFile, PACKAGED)
  expect(nodePlaceOf(NO_FLAGS, around())).toEqual({
    ...{ configFile: systemFile, dataFolder: '/var/lib/starling', keysFolder: '/var/lib/starling/keys', problems: [] },
  })
  expect(keysFolderOf(KEYS_FLAGS, around())).toBe('/var/lib/starling/keys')
  expect(settingsOf(CHAIN_FLAGS, around())).toMatchObject({
    ...{ dataFolder: '/var/lib/starling', keysFolder: '/var/lib/starling/keys' },
    chain: { contract: CONTRACT, rpcUrls: ['https://a.example', 'https://b.example'] },
  })
  const { file, network, problems } = await readConfiguration({ flags: {}, ...around() })
  expect({ file, network, problems }).toEqual({ file: systemFile, network: 'testnet', problems: [] })
})

test('a container’s variables that name no node leave it with the configuration of the machine’s own', async () => {
  await writeFile(systemFile, PACKAGED)
  const { configFile } = nodePlaceOf(NO_FLAGS, around({ STARLING_METRICS__ADDRESS: '0.0.0.0' }))
  expect(configFile).toBe(systemFile)
})

test.for([
  ['a data folder', { 'data-folder': 'elsewhere' }, {}],
  ['a network', { network: 'devnet' }, {}],
  ['a variable with a data folder', {}, { STARLING_DATA_FOLDER: 'elsewhere' }],
  ['a variable with a folder of keys', {}, { STARLING_KEYS_FOLDER: 'elsewhere' }],
] as const)('%s says that another node is meant', async ([, flags, environment]) => {
  await writeFile(systemFile, PACKAGED)
  expect(nodePlaceOf({ ...NO_FLAGS, ...flags }, around(environment)).configFile).toBeUndefined()
})

test('a file that is named counts before that of the environment, and this before the machine’s own', async () => {
  await writeFile(systemFile, PACKAGED)
  const [flagged, variable] = [join(folder, 'flag.yml'), join(folder, 'variable.yml')]
  await writeFile(flagged, 'dataFolder: /flag\n')
  await writeFile(variable, 'dataFolder: /variable\n')
  const environment = around({ STARLING_CONFIG: variable })
  expect(nodePlaceOf({ ...NO_FLAGS, config: flagged }, environment).dataFolder).toBe('/flag')
  expect(nodePlaceOf(NO_FLAGS, environment).dataFolder).toBe('/variable')
  expect((await readConfiguration({ flags: {}, ...environment })).file).toBe(variable)
})

test('where there is none, folders are below the current one', () => {
  expect(nodePlaceOf(NO_FLAGS, around())).toEqual({
    ...{ configFile: undefined, dataFolder: resolve('data'), keysFolder: resolve('data/keys'), problems: [] },
  })
})

test('variables of the environment count for stakes as they do for the node', async () => {
  await writeFile(systemFile, PACKAGED)
  const environment = { STARLING_CONFIG: systemFile, STARLING_STAKING__RPC_URLS: 'https://c.example,https://d.example' }
  expect(settingsOf(CHAIN_FLAGS, around(environment)).chain.rpcUrls).toEqual(['https://c.example', 'https://d.example'])
})

test('a slip below the data folder leaves the node to be found, and is told of', async () => {
  await writeFile(systemFile, `${PACKAGED}rpc: {port: 1\nmetrics: [\n`)
  const place = nodePlaceOf(NO_FLAGS, around())
  expect(place).toMatchObject({ dataFolder: '/var/lib/starling', keysFolder: '/var/lib/starling/keys' })
  expect(configurationNotes(place).join('\n')).toMatch(
    /could not start again: .*starling\.yml:\d+:\d+: .*\nNext: starling config validate --config /,
  )
  expect(() => settingsOf(CHAIN_FLAGS, around())).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }))
})

test('a slip above the data folder is what is told, and nothing about a node', async () => {
  await writeFile(systemFile, `rpc: {port: 1\n${PACKAGED}`)
  const look = () => nodePlaceOf(NO_FLAGS, around())
  expect(look).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }))
  expect(() => keysFolderOf(KEYS_FLAGS, around())).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }))
  expect(nodePlaceOf({ ...NO_FLAGS, config: systemFile, 'data-folder': '/x' }, around())).toMatchObject({
    ...{ dataFolder: '/x', keysFolder: '/x/keys' },
  })
})

test.skipIf(process.getuid?.() === 0)(
  'a file of another user is told of with sudo, not as a node that does not run',
  async () => {
    await writeFile(systemFile, PACKAGED)
    await chmod(join(folder, 'etc'), 0)
    try {
      nodePlaceOf(NO_FLAGS, around())
      expect.fail('It was read')
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_UNREADABLE', message: expect.stringContaining('sudo -u starling') })
      expect(exitCodeOf(error)).toBe(2)
    } finally {
      await chmod(join(folder, 'etc'), 0o700)
    }
  },
)

test.skipIf(process.getuid?.() === 0)('a socket of another user is told of likewise', async () => {
  await chmod(join(folder, 'etc'), 0)
  const client = createAdminClient({ socketPath: join(folder, 'etc', 'admin.sock') })
  const refusal = await client.status(new AbortController().signal).catch((error: unknown) => error)
  await chmod(join(folder, 'etc'), 0o700)
  expect(refusal).toMatchObject({ code: 'NODE_OF_OTHER_USER', message: expect.stringContaining('sudo') })
  expect(exitCodeOf(refusal)).toBe(2)
})

test('a node that takes no more commands is busy, and not silent', async () => {
  const socketPath = join(folder, 'admin.sock')
  const held: Socket[] = []
  const server = createServer((socket) => held.push(socket))
  server.maxConnections = 1
  await new Promise<void>((done) => server.listen(socketPath, done))
  const client = createAdminClient({ socketPath })
  const first = new AbortController()
  const waiting = client.status(first.signal).catch((error: unknown) => error)
  await new Promise((done) => server.once('connection', done))
  const refusal = await client.status(new AbortController().signal).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'NODE_BUSY', message: expect.stringContaining('busy') })
  expect(exitCodeOf(refusal)).toBe(75)
  first.abort()
  await waiting
  for (const socket of held) socket.destroy()
  await new Promise((done) => server.close(done))
})
