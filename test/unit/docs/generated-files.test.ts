// What is generated from the code and kept in the repository fits the code.
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { errorFamilies } from '../../../scripts/docs/errors-page.ts'
import { generatedFiles } from '../../../scripts/docs/generated-files.ts'
import { helpTexts } from '../../../scripts/docs/help-texts.ts'
import { readConfigurationFile } from '../../../src/cli/config/flat-configuration.ts'
import { environmentName } from '../../../src/cli/environment.ts'
import { BY_ERROR_CODE } from '../../../src/cli/exit-codes.ts'
import { serviceNodeFlags } from '../../../src/cli/options/service-node.ts'

const REPOSITORY = join(import.meta.dirname, '../../..')
const flagNames = Object.keys(serviceNodeFlags).sort()

let generated: ReadonlyMap<string, string>
let folder: string
beforeAll(async () => {
  generated = await generatedFiles()
  folder = await mkdtemp(join(tmpdir(), 'starling-docs-'))
})
afterAll(() => rm(folder, { recursive: true }))

test.for([
  'docs/cli.md',
  'docs/metrics.md',
  'docs/errors.md',
  'config/service-node.schema.json',
  'config/service-node.example.yml',
  'deploy/deb/starling.1',
])('%s is up to date; if not, run `npm run docs`', (path) => {
  expect(readFileSync(join(REPOSITORY, path), 'utf8')).toBe(generated.get(path))
})

test('every command is described, those within others too', async () => {
  const commands = (await helpTexts()).map(({ words }) => words.join(' '))
  expect(commands).toEqual(
    expect.arrayContaining(['', 'run', 'keys create', 'stake register', 'account show', 'receive']),
  )
  for (const command of commands) expect(generated.get('docs/cli.md')).toContain(`starling ${command}`.trim())
})

test('every option has its flag and its environment variable in docs/cli.md', () => {
  for (const name of flagNames) {
    expect(generated.get('docs/cli.md')).toContain(`| \`${name}\` | \`${environmentName(name)}\` |`)
  }
  expect(environmentName('staking.rpcUrls')).toBe('STARLING_STAKING__RPC_URLS')
})

test('every coded error is listed once with what it means', () => {
  const families = errorFamilies()
  expect(families.length).toBeGreaterThan(10)
  const names = families.map(({ className }) => className)
  expect(new Set(names).size).toBe(names.length)
  for (const { codes } of families) for (const { meaning } of codes) expect(meaning).toMatch(/^[A-Z].*[.?]$/)
})

test('every error code that has an exit code of its own is one that there is', () => {
  const known = new Set(errorFamilies().flatMap(({ codes }) => codes.map(({ code }) => code)))
  expect(Object.keys(BY_ERROR_CODE).filter((code) => !known.has(code))).toEqual([])
})

test('the example is a configuration, and with its comments taken away holds every option', () => {
  const example = generated.get('config/service-node.example.yml') ?? ''
  const path = join(folder, 'example.yml')
  writeFileSync(path, example)
  expect(Object.keys(readConfigurationFile(path)).sort()).toEqual(['network', 'publicIp', 'staking.rpcUrls'])
  writeFileSync(path, example.replace(/^# (?=[a-zA-Z.]+:(?: |$))/gm, ''))
  const { network: _, ...all } = readConfigurationFile(path)
  expect(Object.keys(all).sort()).toEqual(flagNames)
  for (const [name, flag] of Object.entries(serviceNodeFlags)) {
    if ('default' in flag) expect([name, all[name]]).toEqual([name, flag.default])
  }
})

test('the schema has every option, dotted and nested, and nothing else', () => {
  const { properties } = JSON.parse(generated.get('config/service-node.schema.json') ?? '') as {
    properties: Record<string, { properties?: object; oneOf?: { properties?: object }[] }>
  }
  const dotted = Object.keys(properties).filter((name) => flagNames.includes(name))
  expect(dotted.sort()).toEqual(flagNames)
  const nested = Object.entries(properties).flatMap(([group, { properties: own, oneOf }]) =>
    Object.keys(own ?? oneOf?.[1]?.properties ?? {}).map((key) => `${group}.${key}`),
  )
  expect(nested.sort()).toEqual(flagNames.filter((name) => name.includes('.')))
})

test('the schema takes what a start takes, and refuses what it refuses', () => {
  const fits = new Ajv2020({ strict: false }).compile(
    JSON.parse(generated.get('config/service-node.schema.json') ?? ''),
  )
  const example = parse(generated.get('config/service-node.example.yml') ?? '') as object
  expect([fits(example), fits.errors]).toEqual([true, null])
  expect(fits({ network: 'devnet', rpc: { port: 443 }, 'log.level': 'debug' })).toBe(true)
  for (const wrong of [
    { 'rpc.port': '443' },
    { rpc: { port: 70_000 } },
    { metrcs: { port: 1 } },
    { 'log.level': 'loud' },
    { staking: { rpcUrls: [] } },
  ]) {
    expect([wrong, fits(wrong)]).toEqual([wrong, false])
  }
})
