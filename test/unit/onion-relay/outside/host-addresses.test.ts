import { expect, test } from 'vitest'
import { createHostAddresses } from '../../../../src/onion-relay/outside/host-addresses.ts'
import { checkedLookup } from '../../../../src/onion-relay/outside/post.ts'
import { type DnsAnswers, startDnsServer } from './dns-server.ts'

const NEVER = new AbortController().signal
const NAME = { kind: 'name', text: 'name.example' } as const

async function addressesOf(answers: DnsAnswers, { allowPrivateAddresses = false, own = [] as string[] } = {}) {
  await using dns = await startDnsServer(answers)
  const options = { allowPrivateAddresses, dnsServers: [dns.address], resolveTimeoutMs: 5_000 }
  // Awaited here, or the DNS server would be gone by then.
  return await createHostAddresses(own, options)(NAME, NEVER)
}

test('public addresses of both families are found', async () => {
  const addresses = ['8.8.8.8', '8.8.4.4', '2606:4700::1111']
  expect(await addressesOf(() => addresses)).toEqual({ kind: 'found', addresses })
})

test('the first answer is what counts, whatever the next would be', async () => {
  const found = await addressesOf((_question, nth) => (nth === 0 ? ['8.8.8.8'] : ['127.0.0.1']))
  expect(found).toEqual({ kind: 'found', addresses: ['8.8.8.8'] })
})

test('NAT64 leads where the IPv4 address in it leads', async () => {
  expect(await addressesOf(() => ['64:ff9b::808:808'])).toEqual({ kind: 'found', addresses: ['64:ff9b::808:808'] })
  expect(await addressesOf(() => ['64:ff9b::a00:1'])).toEqual({ kind: 'refused' })
  expect(await addressesOf(() => ['64:ff9b::808:808'], { own: ['8.8.8.8'] })).toEqual({ kind: 'refused' })
})

test('a long answer is judged whole, and tried in part', async () => {
  const many = Array.from({ length: 20 }, (_, at) => `8.8.8.${at}`)
  expect(await addressesOf(() => many)).toEqual({ kind: 'found', addresses: many.slice(0, 8) })
  expect(await addressesOf(() => [...many, '10.0.0.1'])).toEqual({ kind: 'refused' })
})

test('nobody is at addresses that are none, not even on a network on one machine', async () => {
  for (const ip of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1', '64:ff9b::']) {
    expect(await addressesOf(() => [ip], { allowPrivateAddresses: true })).toEqual({ kind: 'refused' })
  }
})

test('a name without addresses is unknown', async () => {
  expect(await addressesOf(() => [])).toEqual({ kind: 'unknown' })
  expect(await addressesOf(() => 'failure')).toEqual({ kind: 'unknown' })
})

test('connections get the checked addresses for every name, in both ways of asking', () => {
  const lookup = checkedLookup(['8.8.8.8', '2606:4700::1111'])
  const answers: unknown[][] = []
  lookup('other.example', { all: true }, (...answer) => answers.push(answer))
  lookup('localhost', {}, (...answer) => answers.push(answer))
  checkedLookup([])('localhost', {}, (...answer) => answers.push(answer))
  expect(answers).toEqual([
    [
      null,
      [
        { address: '8.8.8.8', family: 4 },
        { address: '2606:4700::1111', family: 6 },
      ],
    ],
    [null, '8.8.8.8', 4],
    [new Error('There is no address'), ''],
  ])
})
