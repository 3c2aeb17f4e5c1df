import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { listenError } from '../../../src/base/listen-error.ts'

const systemError = (code: string) => Object.assign(new Error(`listen ${code}`), { code, syscall: 'listen' })
const place = { address: '127.0.0.1', port: 443, group: 'rpc' }

test.for([
  ['EADDRINUSE', 'Another process listens on port 443 of 127.0.0.1 already: stop it, or give another rpc.port'],
  ['EACCES', 'This user may not listen on port 443: give a rpc.port from 1024 on, or allow it to the process'],
  ['EADDRNOTAVAIL', 'This machine has no address 127.0.0.1: give one that it has'],
  ['EAFNOSUPPORT', 'Nothing can listen on port 443 of 127.0.0.1: EAFNOSUPPORT'],
] as const)('%s is told in words, with what mends it', ([code, message]) => {
  expect(listenError(systemError(code), place)).toMatchObject({
    code: 'LISTEN_FAILED',
    message,
    details: { address: '127.0.0.1', port: 443, cause: code },
  })
})

test('the code is found in the text of an error that wraps another, and may be unknown', () => {
  const wrapped = new Error('Some addresses failed:\n/ip4/127.0.0.1/tcp/443: listen EADDRINUSE: address already in use')
  expect(listenError(wrapped, place).message).toMatch(/^Another process listens/)
  expect(listenError('odd', place).message).toBe('Nothing can listen on port 443 of 127.0.0.1: unknown')
})

test('what a server gives for a port that is taken is understood', async () => {
  const first = createServer().listen(0, '127.0.0.1')
  await once(first, 'listening')
  const { port } = first.address() as AddressInfo
  const [cause] = await once(createServer().listen(port, '127.0.0.1'), 'error')
  first.close()
  expect(listenError(cause, { ...place, port }).details['cause']).toBe('EADDRINUSE')
})
