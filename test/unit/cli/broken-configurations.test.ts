// `starling config validate` and a start read a configuration with the same code. Each of these files has one thing wrong with it, and is told of by key
// and line, with what mends it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfiguration } from '../../../src/cli/config/configuration.ts'
import { CONFIGURATION_MAX_BYTES } from '../../../src/cli/config/layers.ts'
import { validateConfiguration } from '../../../src/cli/config/validate.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'

const folder = mkdtempSync(join(tmpdir(), 'starling-broken-configurations-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Ten lines with which a node would start. */
const SOUND = `network: devnet
publicIp: 127.0.77.1
dataFolder: /var/lib/starling
network.bootstrap: [/ip4/192.0.2.7/tcp/22020]
rpc:
  port: 443
  listenAddress: 0.0.0.0
staking:
  contract: "0x1111111111111111111111111111111111111111"
  rpcUrls: ["https://one.example/KEY"]
`

let count = 0
async function problemsOf(content: string | Uint8Array) {
  const path = join(folder, `${++count}.yml`)
  writeFileSync(path, content)
  const { problems } = await readConfiguration({ flags: { config: path }, environment: {} })
  return problems.map(({ option, origin, reason, hint }) => {
    const { line } = 'line' in origin ? origin : {}
    return { key: option, line, reason, hint }
  })
}

/** SOUND with this in the place of what begins like it; undefined takes a line away. */
function withLine(start: string, line: string): string {
  const lines = SOUND.split('\n')
  const at = lines.findIndex((one) => one.startsWith(start))
  if (at < 0) throw new Error(`No line begins with ${start}`)
  return lines.toSpliced(at, 1, line).join('\n')
}

const added = (text: string) => `${SOUND}${text}\n`

/** Key and line are undefined where there is none to be named. */
type Broken = readonly [
  what: string,
  content: string | Uint8Array,
  key: string | undefined,
  line: number | undefined,
  reason: RegExp,
  hint: RegExp,
]

const BROKEN: readonly Broken[] = [
  ['a torn list', added('log: [json'), undefined, 11, /not closed/, /Close what is opened here/],
  ['a quote that does not end', withLine('dataFolder', 'dataFolder: "/var'), undefined, 3, /not closed/, /Close/],
  ['a tab', withLine('  port', '\tport: 443'), undefined, 6, /tabs are not allowed/, /Indent with spaces/],
  [
    'a missing colon',
    withLine('dataFolder', 'dataFolder /var/lib'),
    undefined,
    3,
    /colon is missing/,
    /colon and a space/,
  ],
  ['a colon in a value', withLine('dataFolder', 'dataFolder: a: b'), undefined, 3, /colon and a space in it/, /quotes/],
  ['a list', '- publicIp\n', undefined, 1, /not a mapping/, /name: value/],
  ['one word', 'starling\n', undefined, 1, /not a mapping/, /name: value/],
  ['a key twice', added('publicIp: 192.0.2.8'), undefined, 11, /given twice/, /Keep one/],
  ['two documents', added('---\npublicIp: 192.0.2.8'), undefined, 11, /more than one document/, /---/],
  [
    'references',
    withLine('network.b', 'network.bootstrap: &a [x]\nlog.levels: *a'),
    undefined,
    5,
    /Alias/,
    /Write the value out/,
  ],
  ['an unknown key', added('metrcs.port: 1'), 'metrcs.port', 11, /is no option/, /Did you mean metrics\.port\?/],
  ['a key in the wrong case', added('Metrics:\n  Port: 1'), 'Metrics.Port', 12, /is no option/, /metrics\.port/],
  [
    'a key in the wrong group',
    added('chain.pollIntervalS: 9'),
    'chain.pollIntervalS',
    11,
    /no option/,
    /staking\.pollIntervalS/,
  ],
  ['a key like no other', added('weather: fine'), 'weather', 11, /is no option/, /docs\/cli\.md/],
  [
    'a value for a group',
    added('metrics: 9100'),
    'metrics',
    11,
    /is no option/,
    /metrics is a group: metrics\.address/,
  ],
  [
    'an unknown network',
    withLine('network:', 'network: devnt'),
    undefined,
    undefined,
    /preset devnt: there is no such file/,
    /devnet\?/,
  ],
  ['no publicIp', withLine('publicIp', ''), 'publicIp', undefined, /must be given/, /starling init/],
  ['null', withLine('publicIp', 'publicIp:'), 'publicIp', 2, /must be one text, not null/, /quotes/],
  [
    'a name',
    withLine('publicIp', 'publicIp: node.example'),
    'publicIp',
    2,
    /must be an IP address/,
    /the name stands for/,
  ],
  ['half an address', withLine('publicIp', 'publicIp: 192.0.2'), 'publicIp', 2, /must be an IP address/, /Such as/],
  [
    'a name to listen on',
    withLine('  listen', '  listenAddress: localhost'),
    'rpc.listenAddress',
    7,
    /IP address/,
    /the name stands for/,
  ],
  ['letters for a port', withLine('  port', '  port: https'), 'rpc.port', 6, /must be a whole number/, /digits only/],
  ['a port in quotes', withLine('  port', '  port: "443"'), 'rpc.port', 6, /not "443"/, /Take the quotes away/],
  ['a port beyond all', withLine('  port', '  port: 70000'), 'rpc.port', 6, /from 0 to 65535/, /largest is 65535/],
  ['a negative port', withLine('  port', '  port: -1'), 'rpc.port', 6, /from 0 to 65535/, /smallest is 0/],
  ['half a port', withLine('  port', '  port: 1.5'), 'rpc.port', 6, /must be a whole number/, /digits only/],
  [
    'a unit',
    added('storage.totalBytesMax: 10GB'),
    'storage.totalBytesMax',
    11,
    /whole number from 0/,
    /without a unit/,
  ],
  [
    'too few connections',
    added('network.connectionsMax: 2'),
    'network.connectionsMax',
    11,
    /whole number from 8/,
    /smallest is 8/,
  ],
  [
    'more than memory holds',
    added('network.connectionsMax: 99999'),
    'network.connectionsMax',
    11,
    /more memory/,
    /Give fewer/,
  ],
  ['yes', added('network.allowPrivateAddresses: yes'), 'network.allowPrivateAddresses', 11, /not "yes"/, /mean true\?/],
  ['a level that there is not', added('log.level: DEBUG'), 'log.level', 11, /one of error, warn/, /mean debug\?/],
  [
    'a bootstrap address with a port',
    withLine('network.b', 'network.bootstrap:\n  - 192.0.2.7:22020'),
    'network.bootstrap',
    5,
    /multiaddrs/,
    /ip4\/192\.0\.2\.7\/tcp\/22020\?/,
  ],
  [
    'one text for a list',
    withLine('network.b', 'network.bootstrap: /ip4/192.0.2.7/tcp/1'),
    'network.bootstrap',
    4,
    /a list of texts/,
    /\[one, two\]/,
  ],
  [
    'half a contract',
    withLine('  contract', '  contract: "0x12"'),
    'staking.contract',
    9,
    /40 hex digits/,
    /has 2 digits/,
  ],
  [
    'a contract without quotes',
    withLine('  contract', '  contract: 0x1111111111111111111111111111111111111111'),
    'staking.contract',
    9,
    /must be one text/,
    /quotes/,
  ],
  ['no RPC URLs', withLine('  rpcUrls', '  rpcUrls: []'), 'staking.rpcUrls', 10, /1 at least/, /Give one more/],
  [
    'an RPC URL of another kind',
    withLine('  rpcUrls', '  rpcUrls:\n  - https://a.example\n  - wss://b.example/KEY'),
    'staking.rpcUrls',
    12,
    /http/,
    /https:\/\//,
  ],
  [
    'an RPC URL twice',
    withLine('  rpcUrls', '  rpcUrls:\n  - https://a.example\n  - https://a.example'),
    'staking.rpcUrls',
    12,
    /twice/,
    /Keep one/,
  ],
  [
    'an outside server with a path',
    added('onionRelay.outsideServers: ["https://open.example/path"]'),
    'onionRelay.outsideServers',
    11,
    /must be servers/,
    /follows the host/,
  ],
  [
    'a name of a DNS server',
    added('onionRelay.outsideDnsServers: [dns.example]'),
    'onionRelay.outsideDnsServers',
    11,
    /IP addresses/,
    /9\.9\.9\.9/,
  ],
  [
    'a certificate without its key',
    added('rpc.certificateFile: a.pem'),
    'rpc.certificateFile',
    11,
    /given together/,
    /Give both/,
  ],
  [
    'two servers at one port',
    added('metrics.port: 443'),
    'metrics.port',
    11,
    /is 443, which is rpc\.port too/,
    /a port of its own/,
  ],
  [
    'two data folders',
    withLine('dataFolder', 'dataFolder: [a, b]'),
    'dataFolder',
    3,
    /one text, not/,
    /without brackets/,
  ],
  [
    'bytes that are no text',
    Buffer.from('7075626c696349703a20ff00fe', 'hex'),
    'publicIp',
    1,
    /must be an IP address/,
    /Such as|stands for/,
  ],
  [
    '300 KiB',
    `${SOUND}${' '.repeat(CONFIGURATION_MAX_BYTES)}`,
    undefined,
    undefined,
    /larger than 262144 bytes/,
    /right file/,
  ],
]

describe('a configuration with', () => {
  test.each(BROKEN)(
    '%s is told of by key and line, with what mends it',
    async (_what, content, key, line, reason, hint) => {
      const problems = await problemsOf(content)
      expect(problems).toContainEqual({
        key,
        line,
        reason: expect.stringMatching(reason),
        hint: expect.stringMatching(hint),
      })
      // What nobody has said before it.
      expect(JSON.stringify(problems)).not.toContain('KEY')
    },
  )

  test('nothing wrong with it has no problems', async () => {
    expect(await problemsOf(SOUND)).toEqual([])
  })
})

test('all problems are told at once, in one document, with the exit code of a wrong configuration', async () => {
  const path = join(folder, 'several.yml')
  writeFileSync(path, 'network: devnet\nrpc.port: 70000\nmetrics.prot: 1\nlog.level: loud\n')
  const environment = { STARLING_STAKING__POLL_INTERVAL_S: 'soon', STARLING_COLOUR: 'blue', PATH: '/bin' }
  const source = { flags: { config: path, 'network.port': -1 }, environment }
  const { result, exitCode, lines } = await validateConfiguration(source)
  expect(exitCode).toBe(EXIT.usage)
  const problems = result['problems'] as readonly Record<string, unknown>[]
  expect(problems.map(({ key, origin }) => [key, origin])).toEqual(
    expect.arrayContaining([
      ['rpc.port', `${path}:2:11`],
      ['metrics.prot', `${path}:3:1`],
      ['log.level', `${path}:4:12`],
      ['staking.pollIntervalS', 'environment STARLING_STAKING__POLL_INTERVAL_S'],
      [null, 'environment STARLING_COLOUR'],
      ['network.port', '--network.port'],
      ['publicIp', 'default'],
    ]),
  )
  expect(lines.at(-1)).toBe(`${path}: ${problems.length} problems`)
})

test('what a file that cannot be read may have held is not asked for', async () => {
  const { problems } = await readConfiguration({ flags: { config: join(folder, 'nowhere.yml') }, environment: {} })
  expect(problems).toMatchObject([
    { code: 'CONFIG_UNREADABLE', reason: expect.stringContaining('there is no such file') },
  ])
})
