// `starling init` on a machine with nothing: what it asks, what it makes, and that it never overwrites anything.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfiguration } from '../../../src/cli/config/configuration.ts'
import { initialize } from '../../../src/cli/init/init.ts'
import { detectedPublicIp } from '../../../src/cli/init/options.ts'

const root = mkdtempSync(join(tmpdir(), 'starling-init-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
function newFolder(): string {
  return join(root, String(++count))
}

const CONTRACT = `0x${'1'.repeat(40)}`
const given = (folder: string) => ({
  config: join(folder, 'starling.yml'),
  network: 'devnet',
  publicIp: '127.0.0.1',
  dataFolder: join(folder, 'data'),
  'staking.rpcUrls': ['http://127.0.0.1:8545', 'http://127.0.0.1:8546/KEY'],
  'staking.contract': CONTRACT,
})

const withoutAsking = (flags: object, environment = {}) =>
  initialize({ 'non-interactive': true }, { flags: { ...flags }, environment })

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('without a question', () => {
  test('a configuration that a node starts with, two keys and two folders are made, for their owner alone', async () => {
    const folder = newFolder()
    const { result, lines } = await withoutAsking({ ...given(folder), 'metrics.port': 9200 })
    const paths = ['starling.yml', 'data', 'data/keys', 'data/keys/key_bls', 'data/keys/key_ed25519']
    expect(paths.map((path) => modeOf(join(folder, path)))).toEqual([0o600, 0o700, 0o700, 0o600, 0o600])
    const config = join(folder, 'starling.yml')
    const { problems, options } = await readConfiguration({ flags: { config }, environment: {} })
    expect(problems).toEqual([])
    expect(options?.node).toMatchObject({
      publicIp: '127.0.0.1',
      dataFolder: join(folder, 'data'),
      keysFolder: join(folder, 'data/keys'),
      metrics: { port: 9200 },
    })
    expect(result).toMatchObject({ configuration: config, kept: [], keys: { ed25519: expect.any(String) } })
    expect(lines.slice(lines.indexOf('Next:'))).toEqual([
      'Next:',
      `  starling run --config ${config}`,
      `  starling stake register --config ${config} --operator 0x…  # prints the transactions for the operator's wallet, elsewhere`,
      `  starling status --config ${config}`,
      `  starling keys backup --keys-folder ${join(folder, 'data/keys')} --to ${join(folder, 'node.backup')}  # then bring it to another place`,
    ])
    expect(lines.join('\n')).not.toContain('KEY')
  })

  test('it keeps what is there when it is run again, and makes what is missing', async () => {
    const folder = newFolder()
    const first = await withoutAsking(given(folder))
    const written = readFileSync(join(folder, 'starling.yml'), 'utf8')
    const again = await withoutAsking({ config: join(folder, 'starling.yml') })
    expect(again.result).toMatchObject({ created: [], keys: first.result['keys'] })
    rmSync(join(folder, 'data'), { recursive: true })
    const third = await withoutAsking({ config: join(folder, 'starling.yml') })
    expect(third.result['created']).toEqual([join(folder, 'data'), `${join(folder, 'data/keys')} with both keys`])
    expect(readFileSync(join(folder, 'starling.yml'), 'utf8')).toBe(written)
  })

  test('a file that says otherwise is not overwritten, and said so by option', async () => {
    const folder = newFolder()
    await withoutAsking(given(folder))
    const other = withoutAsking({ ...given(folder), publicIp: '127.0.0.2', 'rpc.port': 443 })
    await expect(other).rejects.toThrow(
      expect.objectContaining({ code: 'CONFIG_EXISTS', message: expect.stringMatching(/publicIp, rpc\.port/) }),
    )
  })

  test('half a pair of keys is refused', async () => {
    const folder = newFolder()
    await withoutAsking(given(folder))
    rmSync(join(folder, 'data/keys/key_bls'))
    await expect(withoutAsking(given(folder))).rejects.toThrow(expect.objectContaining({ code: 'SECRET_FILE_MISSING' }))
  })

  test('what has no default must be given, by flag or in the environment', async () => {
    const folder = newFolder()
    const { 'staking.rpcUrls': _, 'staking.contract': __, ...rest } = given(folder)
    await expect(withoutAsking(rest)).rejects.toThrow(
      'Nobody can be asked here: add --staking.rpcUrls, --staking.contract',
    )
    const environment = { STARLING_STAKING__RPC_URLS: 'http://127.0.0.1:8545', STARLING_STAKING__CONTRACT: CONTRACT }
    await withoutAsking(rest, environment)
    expect(readFileSync(join(folder, 'starling.yml'), 'utf8')).toContain('http://127.0.0.1:8545')
  })

  test('a network is nobody’s by default: it is refused by name, with what there is to choose from', async () => {
    const folder = newFolder()
    const { network: _, 'staking.rpcUrls': __, 'staking.contract': ___, ...rest } = given(folder)
    await expect(withoutAsking(rest)).rejects.toThrow(
      'Nobody can be asked here: add --network mainnet|testnet|devnet|FILE, --staking.rpcUrls',
    )
    expect(() => statSync(folder)).toThrow('ENOENT')
  })

  test('where a container serves its metrics is not written down, and what was typed is', async () => {
    const folder = newFolder()
    const environment = { STARLING_METRICS__ADDRESS: '0.0.0.0', STARLING_METRICS__PORT: '9300' }
    await withoutAsking({ ...given(folder), 'metrics.port': 9200 }, environment)
    const written = readFileSync(join(folder, 'starling.yml'), 'utf8')
    expect(written).toContain('metrics.port: 9200')
    expect(written).not.toContain('metrics.address')
    await withoutAsking({ config: join(folder, 'starling.yml') }, environment)
  })

  test('what a start would refuse is not written', async () => {
    const folder = newFolder()
    await expect(withoutAsking({ ...given(folder), 'rpc.port': 70_000 })).rejects.toThrow(
      'rpc.port must be a whole number',
    )
    expect(() => statSync(folder)).toThrow('ENOENT')
  })

  test('a network of one’s own is named by a path that does not depend on the folder of the start', async () => {
    const folder = newFolder()
    const preset = join(root, 'preset.json')
    writeFileSync(preset, JSON.stringify({ staking: { contract: CONTRACT, chainId: 1, epochLengthS: 4 } }))
    const { 'staking.contract': _, ...rest } = given(folder)
    await withoutAsking({ ...rest, network: `./${join('.', preset)}`.replace('./', '/./') })
    expect(readFileSync(join(folder, 'starling.yml'), 'utf8')).toContain(`network: ${preset}\n`)
  })
})

describe('with somebody at the terminal', () => {
  /** Types the lines, and sees what is asked. */
  function terminal(lines: readonly string[]) {
    const input = Object.assign(new PassThrough(), { isTTY: true })
    const output = Object.assign(new PassThrough(), { isTTY: true })
    let asked = ''
    let typed = 0
    output.on('data', (text: Buffer) => {
      asked += String(text)
      // A question ends with a colon and a blank.
      if (!String(text).endsWith(': ')) return
      const line = lines[typed++]
      if (line === undefined) input.end()
      else input.write(`${line}\n`)
    })
    return { input, output, asked: () => asked }
  }

  test('five questions at most are asked, an empty answer is the default, and a wrong one is asked for again', async () => {
    const folder = newFolder()
    const rpcUrls = 'ftp://a.example/KEY'
    const answers = [
      'devnet',
      '127.0.0.3',
      join(folder, 'data'),
      rpcUrls,
      'http://a.example, http://b.example',
      CONTRACT,
    ]
    const { input, output, asked } = terminal(answers)
    const config = join(folder, 'starling.yml')
    await initialize({ 'non-interactive': false }, { flags: { config }, environment: {} }, { input, output })
    expect(asked().match(/: /g)).toHaveLength(answers.length)
    expect(asked()).toContain('Network (mainnet, testnet, devnet, or a file of one')
    expect(asked()).toContain('It must be URLs that start with http:// or https://')
    const { options } = await readConfiguration({ flags: { config }, environment: {} })
    expect(options?.node.staking).toMatchObject({
      rpcUrls: ['http://a.example', 'http://b.example'],
      contract: CONTRACT,
    })
    expect(options?.node.publicIp).toBe('127.0.0.3')
  })

  test('what is given, or known from the preset, is not asked', async () => {
    const folder = newFolder()
    const { 'staking.rpcUrls': _, 'staking.contract': __, ...rest } = given(folder)
    const { input, output, asked } = terminal(['http://a.example'])
    const flags = { ...rest, network: 'mainnet' }
    await initialize({ 'non-interactive': false }, { flags, environment: {} }, { input, output })
    expect(asked()).toContain('RPC URLs of the chain')
    expect(asked()).not.toMatch(/Network|address|Folder/)
  })

  test('an input that ends is a no, and nothing is written', async () => {
    const folder = newFolder()
    const ending = initialize(
      { 'non-interactive': false },
      { flags: { config: join(folder, 'a.yml') }, environment: {} },
      terminal([]),
    )
    await expect(ending).rejects.toThrow('nothing was written')
    expect(() => statSync(folder)).toThrow('ENOENT')
  })
})

test('the address is detected among those of the machine: a public one, IPv4 first', () => {
  const one = (address: string, family: 'IPv4' | 'IPv6', internal = false) => {
    const base = { address, netmask: '', mac: '', internal, cidr: null }
    return family === 'IPv4' ? { ...base, family } : { ...base, family, scopeid: 0 }
  }
  const lo = [one('127.0.0.1', 'IPv4', true)]
  const eth0 = [one('fe80::1', 'IPv6'), one('2a00:1::7', 'IPv6'), one('10.0.0.7', 'IPv4')]
  expect(detectedPublicIp({ lo, eth0 })).toBe('2a00:1::7')
  expect(detectedPublicIp({ lo, eth0, eth1: [one('8.8.4.7', 'IPv4')] })).toBe('8.8.4.7')
  expect(detectedPublicIp({ lo, eth0: [one('192.168.1.7', 'IPv4')] })).toBeUndefined()
})
