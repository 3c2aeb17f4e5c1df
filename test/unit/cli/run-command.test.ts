// What `starling run` makes of flags, environment, configuration file and preset. It runs nothing here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import yargs from 'yargs'
import { runCommand } from '../../../src/cli/commands/run.ts'
import { type Configuration, requireConfiguration } from '../../../src/cli/config/configuration.ts'
import { sourceOf } from '../../../src/cli/config/flags.ts'
import { OptionsError } from '../../../src/cli/options/check.ts'
import { serviceNodeFlags } from '../../../src/cli/options/service-node.ts'

const folder = mkdtempSync(join(tmpdir(), 'starling-run-command-'))
afterAll(() => rmSync(folder, { recursive: true }))

afterEach(() => {
  vi.unstubAllEnvs()
})

let count = 0
function file(content: object): string {
  const path = join(folder, `${count++}.yml`)
  writeFileSync(path, JSON.stringify(content))
  return path
}

interface Given {
  readonly flags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly file?: object
  readonly preset?: object
}

/** Everything that a node cannot run without. */
const NEEDED = {
  publicIp: '127.0.0.1',
  staking: { contract: `0x${'1'.repeat(40)}`, rpcUrls: ['http://127.0.0.1:1'], chainId: 1, epochLengthS: 4 },
}

async function configurationOf({ flags = [], environment = {}, file: inFile, preset = NEEDED }: Given) {
  const configured = inFile === undefined ? [] : ['--config', file(inFile)]
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  return await parsed(['run', '--network', file(preset), ...configured, ...flags])
}

async function parsed(
  words: readonly string[],
): Promise<Configuration & { options: NonNullable<Configuration['options']> }> {
  const [, ...given] = words
  // Of these, yargs makes nothing else, and it takes its time.
  if (given.every((word, index) => index % 2 === 1 || word === '--network' || word === '--config')) {
    const pairs = given.flatMap((word, index) => (index % 2 === 0 ? [[word.slice(2), given[index + 1]]] : []))
    return await requireConfiguration(sourceOf(Object.fromEntries(pairs)))
  }
  let typed: Readonly<Record<string, unknown>> = {}
  await yargs(words)
    .parserConfiguration({ 'dot-notation': false, 'parse-positional-numbers': false })
    .command({
      ...runCommand,
      handler: (args) => {
        typed = args
      },
    })
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message)
    })
    .parseAsync()
  return await requireConfiguration(sourceOf(typed))
}

const optionsOf = async (given: Given) => (await configurationOf(given)).options.node

describe('a value comes from', () => {
  const withPort = (port: number) => ({ ...NEEDED, metrics: { port } })
  const layers: readonly [from: string, given: Given][] = [
    ['the flag', { flags: ['--metrics.port', '1001'] }],
    ['the environment', { environment: { STARLING_METRICS__PORT: '1002' } }],
    ['the configuration file', { file: withPort(1003) }],
    ['the preset', { preset: withPort(1004) }],
    ['the default', {}],
  ]

  test.for(layers.map(([from], at) => [from, at] as const))(
    '%s when nothing above it says otherwise',
    async ([, at]) => {
      const given = Object.assign({}, ...layers.slice(at).map(([, layer]) => layer)) as Given
      const expected = [1001, 1002, 1003, 1004, serviceNodeFlags['metrics.port'].default][at]
      expect((await optionsOf(given)).metrics.port).toBe(expected)
    },
  )

  test('the layers together, each option from its own', async () => {
    const { metrics, network, staking, rpc, publicIp } = await optionsOf({
      flags: ['--rpc.port', '443'],
      environment: { STARLING_PUBLIC_IP: '127.0.0.9', STARLING_STAKING__POLL_INTERVAL_S: '7' },
      file: { metrics: { address: '127.0.0.2' }, 'network.port': 2 },
    })
    expect([rpc.httpsPort, publicIp, staking.pollIntervalMs, metrics.address, network.listenPort]).toEqual([
      443,
      '127.0.0.9',
      7000,
      '127.0.0.2',
      2,
    ])
    expect(staking.chainId).toBe(1)
  })

  test('a file named by the environment', async () => {
    vi.stubEnv('STARLING_CONFIG', file({ metrics: { port: 77 } }))
    expect((await optionsOf({})).metrics.port).toBe(77)
  })

  test('the preset that the configuration file names', async () => {
    // Both the preset's name and a group of options.
    const { options, network } = await parsed(['run', '--config', file({ ...NEEDED, network: 'devnet' })])
    expect({ network, allows: options.node.network.allowPrivateAddresses }).toEqual({ network: 'devnet', allows: true })
  })
})

describe('a list', () => {
  const urls = ['http://127.0.0.1:1', 'http://127.0.0.2:2']

  test.for([
    ['several flags', { flags: ['--staking.rpcUrls', urls[0], '--staking.rpcUrls', urls[1]] }],
    ['one flag with several values', { flags: ['--staking.rpcUrls', ...urls] }],
    ['the environment, divided by commas', { environment: { STARLING_STAKING__RPC_URLS: urls.join(',') } }],
    ['the configuration file', { file: { staking: { rpcUrls: urls } } }],
  ] as [string, Given][])('comes from %s, and replaces those of lower layers', async ([, given]) => {
    expect((await optionsOf(given)).staking.rpcUrls).toEqual(urls)
  })
})

describe('refused is', () => {
  const refusal = async (given: Given): Promise<string> => {
    try {
      await optionsOf(given)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    return 'nothing'
  }

  test.for([
    ['an unknown flag', { flags: ['--metrics.prot', '1'] }, 'Unknown argument: metrics.prot'],
    [
      'an unknown environment variable',
      { environment: { STARLING_METRICS__PROT: '1' } },
      'there is no option for STARLING_METRICS__PROT. Did you mean STARLING_METRICS__PORT?',
    ],
    [
      'an unknown key of the file',
      { file: { metric: { port: 1 } } },
      'metric.port is no option. Did you mean metrics.port?',
    ],
    ['an unknown key of the preset', { preset: { ...NEEDED, chain: 1 } }, 'chain is no option'],
    ['the file named in the file', { file: { config: 'other.yml' } }, 'config is no option'],
    ['a group without options', { file: { metrics: 9100 } }, 'metrics is a group: metrics.address, metrics.port'],
    [
      'a port beyond 65535',
      { flags: ['--rpc.port', '65536'] },
      'rpc.port must be a whole number from 0 to 65535, not 65536',
    ],
    ['a negative port', { flags: ['--rpc.port=-1'] }, 'rpc.port must be a whole number from 0 to 65535, not -1'],
    ['half a port', { file: { rpc: { port: 1.5 } } }, 'rpc.port must be a whole number from 0 to 65535, not 1.5'],
    [
      'a certificate without its key',
      { flags: ['--rpc.certificateFile', 'fullchain.pem'] },
      'rpc.certificateFile and rpc.certificateKeyFile must be given together',
    ],
    ['a port in words', { flags: ['--rpc.port', 'https'] }, 'rpc.port must be a whole number'],
    ['a port in quotes', { file: { rpc: { port: 'https' } } }, 'rpc.port must be a whole number'],
    ['a number given twice', { flags: ['--rpc.port', '1', '--rpc.port', '2'] }, 'rpc.port must be a whole number'],
    ['a text that is a list', { file: { publicIp: ['a', 'b'] } }, 'publicIp must be one text, not ["a","b"]'],
    ['a text that is a number', { file: { dataFolder: 7 } }, 'dataFolder must be one text, not 7'],
    ['a list of numbers', { file: { network: { bootstrap: [1] } } }, 'network.bootstrap must be a list of texts'],
    ['a switch that is no switch', { file: { network: { allowPrivateAddresses: 'yes' } } }, 'must be true or false'],
    ['a switch of the environment', { environment: { STARLING_NETWORK__ALLOW_PRIVATE_ADDRESSES: '1' } }, 'not "1"'],
    ['a switch with an odd value', { flags: ['--network.allowPrivateAddresses=yes'] }, 'must be true or false'],
    ['a level that there is not', { file: { log: { level: 'loud' } } }, 'log.level must be one of error, warn, info'],
    ['a level in the wrong case', { file: { log: { level: 'DEBUG' } } }, 'Did you mean debug?'],
    ['two servers at one port', { flags: ['--rpc.port', '9100'] }, 'metrics.port is 9100, which is rpc.port too'],
    ['a URL twice', { file: { staking: { rpcUrls: ['http://a', 'http://a'] } } }, 'rpcUrls has the same value twice'],
    [
      'no poll at all',
      { flags: ['--staking.pollIntervalS', '0'] },
      'staking.pollIntervalS must be a whole number from 1',
    ],
    ['no chain', { preset: { publicIp: '127.0.0.1' } }, 'staking.chainId must be given: EIP-155 id of the chain'],
    [
      'no address of its own',
      { preset: { staking: NEEDED.staking } },
      'publicIp must be given: IP address under which',
    ],
  ] as [string, Given, string][])('%s', async ([, given, message]) => {
    expect(await refusal(given)).toContain(message)
  })

  test('with an error that a script can tell apart', async () => {
    await expect(optionsOf({ flags: ['--rpc.port', '65536'] })).rejects.toThrow(OptionsError)
  })
})

test('a switch can be set in every layer', async () => {
  const isOn = async (given: Given) => (await optionsOf(given)).network.allowPrivateAddresses
  expect(await isOn({})).toBe(false)
  expect(await isOn({ flags: ['--network.allowPrivateAddresses'] })).toBe(true)
  expect(await isOn({ environment: { STARLING_NETWORK__ALLOW_PRIVATE_ADDRESSES: 'true' } })).toBe(true)
  vi.unstubAllEnvs()
  expect(await isOn({ file: { network: { allowPrivateAddresses: true } } })).toBe(true)
  const off = { flags: ['--no-network.allowPrivateAddresses'], file: { network: { allowPrivateAddresses: true } } }
  expect(await isOn(off)).toBe(false)
})

test('every default can be taken as it is', async () => {
  const { node, log } = (await configurationOf({})).options
  expect(log).toEqual({ level: 'info', format: 'json', parts: {} })
  // The three parts agree on when a node that asked to leave is let go.
  expect([node.staking.unlockAfterMs, node.rpc.unlockAfterMs]).toEqual([node.swarm.unlockMs, node.swarm.unlockMs])
})
