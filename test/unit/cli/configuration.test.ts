import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { readConfigurationFile, readNetworkPreset } from '../../../src/cli/config/flat-configuration.ts'
import { NETWORK_PRESETS } from '../../../src/cli/config/layers.ts'
import { nearestName } from '../../../src/cli/config/nearest-name.ts'
import { OptionsError } from '../../../src/cli/options/check.ts'

const folder = mkdtempSync(join(tmpdir(), 'starling-configuration-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(content: string | Uint8Array): string {
  const path = join(folder, 'configuration.yml')
  writeFileSync(path, content)
  return path
}

test('nested keys become dotted names', () => {
  expect(readConfigurationFile(file('metrics:\n  port: 9100\nlog: {level: debug}\nlist: {of: [a, b]}\n'))).toEqual({
    'metrics.port': 9100,
    'log.level': 'debug',
    'list.of': ['a', 'b'],
  })
})

test('JSON is taken too, and an empty file has no values', () => {
  expect(readConfigurationFile(file('{"metrics": {"port": 1}}'))).toEqual({ 'metrics.port': 1 })
  expect(readConfigurationFile(file(''))).toEqual({})
})

test.for([
  '[1, 2]',
  'just text',
  'a: [',
  'a: &x [1]\nb: [*x, *x]',
  'a: {b: {c: {d: {e: {f: {g: 1}}}}}}',
  'x'.repeat(300_000),
])('a file that is no configuration is refused, naming the file: %#', (content) => {
  expect(() => readConfigurationFile(file(content))).toThrow(
    expect.objectContaining({ code: 'CONFIG_UNREADABLE', message: expect.stringContaining('configuration.yml') }),
  )
})

test('a missing file is refused with its path', () => {
  expect(() => readConfigurationFile('/nowhere/starling.yml')).toThrow(/Cannot read the configuration file \/nowhere/)
})

test('random bytes give values or an error that names the file, never a crash', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ maxLength: 200 })), (content) => {
      try {
        readConfigurationFile(file(content))
      } catch (error) {
        expect(error).toBeInstanceOf(OptionsError)
      }
    }),
    { numRuns: 500 },
  )
})

test.for([...NETWORK_PRESETS])('the preset %s can be read', (network) => {
  expect(readNetworkPreset(network)).toHaveProperty(['staking.chainId'])
})

test('the preset of Session’s network has its contracts', () => {
  expect(readNetworkPreset('mainnet')).toMatchObject({
    'staking.chainId': 42161,
    'staking.contract': '0xC2B9fC251aC068763EbDfdecc792E3352E351c00',
    'staking.contributionFactory': '0x8129bE2D5eF7ACd39483C19F28DE86b7EF19DBCA',
    'staking.signs': false,
    'staking.rewards': false,
  })
})

test.for([
  ['metric.port', 'metrics.port'],
  ['Metrics.Port', 'metrics.port'],
  ['rpcUrls', 'staking.rpcUrls'],
  ['chain.rpcUrls', 'staking.rpcUrls'],
  ['publicIP', 'publicIp'],
  ['pbulicIp', 'publicIp'],
  // Two have this ending.
  ['port', undefined],
  ['weather', undefined],
] as const)('%s is taken for %s', ([word, name]) => {
  expect(nearestName(word, ['publicIp', 'metrics.port', 'rpc.port', 'staking.rpcUrls'])).toBe(name)
})
