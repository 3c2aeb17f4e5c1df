import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAllowList, parseServerRule } from '../../../../src/onion-relay/outside/allow-list.ts'
import { parseServerHost } from '../../../../src/onion-relay/outside/server-host.ts'
import {
  isServerProtocol,
  isTargetAllowed,
  type ServerProtocol,
} from '../../../../src/onion-relay/outside/target-rule.ts'

test.each(['/loki/v3/lsrpc', '/loki/oxen/v4/lsrpc', '/oxen/v3/lsrpc', '/oxen/v4/lsrpc', '/oxen/lsrpc'])(
  'the target %s is taken',
  (target) => {
    expect(isTargetAllowed(target)).toBe(true)
  },
)

test.each([
  '/not_loki/v3/lsrpc',
  '/loki/v3',
  '/loki/v3/lsrpc?foo=bar',
  '/loki/v3/lsrpc#top',
  '/loki/v3/lsrpc/',
  '/loki/v3/lsrpc\n',
  '/loki/v3/lsrpc\0',
  'http://other.example/oxen/v4/lsrpc',
  '//other.example/oxen/v4/lsrpc',
  '/loki/../admin/lsrpc',
  '/loki/./lsrpc',
  '/loki//lsrpc',
  '/loki/%2e%2e/lsrpc',
  '/loki/a b/lsrpc',
  '/loki/v3\r\nX-Other: 1\r\n/lsrpc',
  '/loki\\v3/lsrpc',
  '/loki/é/lsrpc',
  '/loki;/lsrpc',
  '/lsrpc',
  '',
  `/loki/${'a'.repeat(256)}/lsrpc`,
])('the target %j is refused', (target) => {
  expect(isTargetAllowed(target)).toBe(false)
})

test('only the two protocols of the web are taken, as they are written', () => {
  expect(['http', 'https', 'HTTP', 'ftp', 'file', 'gopher', 'http:', ' https', ''].filter(isServerProtocol)).toEqual([
    'http',
    'https',
  ])
})

/** Entries, and for each what a client may and may not ask for with it: protocol, host and port. */
const LISTS: readonly [entry: string, taken: readonly string[], refused: readonly string[]][] = [
  [
    'open.example',
    ['https open.example 443', 'http open.example 80', 'https OPEN.Example 443'],
    ['https open.example 80', 'http open.example 443', 'https a.open.example 443', 'https example 443'],
  ],
  ['https://open.example', ['https open.example 443'], ['http open.example 80', 'https open.example.other 443']],
  ['http://open.example:8000', ['http open.example 8000'], ['https open.example 8000', 'http open.example 80']],
  ['Open.Example:*', ['http open.example 1', 'https open.example 65535'], ['http openXexample 80']],
  [
    '*.open.example',
    ['https a.open.example 443', 'http b.a.open.example 80'],
    ['https open.example 443', 'https aopen.example 443', 'https a.open.example 8443'],
  ],
  [
    '*',
    ['https any.example 443', 'http any.example 80'],
    ['https any 443', 'https 8.8.8.8 443', 'http any.example 22'],
  ],
  ['https://*:*', ['https any.example 22'], ['http any.example 80', 'https [2606:4700::1] 443', 'https any 443']],
  ['8.8.8.8', ['http 8.8.8.8 80'], ['http 8.8.8.9 80', 'http 8.8.8.8 8080']],
  ['[2606:4700:0::1]:*', ['http [2606:4700::1] 80', 'https [2606:4700:0:0::0001] 9'], ['http [2606:4700::2] 80']],
  ['internal', ['http internal 80'], ['http internal.example 80']],
]

test.each(LISTS)('the entry %s lists what it says, and nothing else', (entry, taken, refused) => {
  const isAllowed = createAllowList(['never.listed.example', entry])
  const isListed = (server: string) => {
    const [protocol = '', hostText = '', port] = server.split(' ')
    const host = parseServerHost(hostText)
    return host !== undefined && isAllowed({ protocol: protocol as ServerProtocol, host, port: Number(port) })
  }
  expect(taken.filter((server) => !isListed(server))).toEqual([])
  expect(refused.filter(isListed)).toEqual([])
})

test('an empty list has nothing on it', () => {
  const host = { kind: 'name', text: 'open.example' } as const
  expect(createAllowList([])({ protocol: 'https', host, port: 443 })).toBe(false)
})

test.each([
  '',
  'ftp://open.example',
  'https://',
  'https://open.example/',
  'https://open.example/oxen/v4/lsrpc',
  'https://user@open.example',
  'open.example:0',
  'open.example:65536',
  'open.example:',
  'open.example:080',
  'open.example:http',
  'open..example',
  '*example',
  'a.*.example',
  '*.',
  '*.127.0.0.1',
  '**',
  '0x7f.1',
  '2130706433',
  '::1',
  '[::1',
  '[::1%lo]',
  'öffentlich.example',
  ' open.example',
  'open.example,other.example',
])('%j is no entry, and stops the start', (entry) => {
  expect(parseServerRule(entry)).toBeUndefined()
  expect(() => createAllowList([entry])).toThrow(expect.objectContaining({ code: 'OUTSIDE_SERVER_INVALID' }))
})

test('any text is a host in its one form, or none', () => {
  const text = fc.oneof(fc.string(), fc.ipV4(), fc.ipV4Extended(), fc.ipV6(), fc.domain(), fc.webAuthority())
  fc.assert(
    fc.property(text, (host) => {
      const parsed = parseServerHost(host)
      if (parsed === undefined) return
      const written = parsed.text.includes(':') ? `[${parsed.text}]` : parsed.text
      expect(parseServerHost(written)).toEqual(parsed)
      // A parser of URLs, which reads numbers in all their forms, sees no other host than this one does.
      expect(new URL(`http://${written}/`).hostname.includes('[')).toBe(written.includes('['))
      if (!written.includes('[')) expect(new URL(`http://${written}/`).hostname).toBe(written)
    }),
    { numRuns: 5000 },
  )
})
