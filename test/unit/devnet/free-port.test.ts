import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePorts } from '../../../devnet/free-port.ts'

test('free ports are all different, and free', async () => {
  const ports = await freePorts('127.0.0.9', 20)
  expect(new Set(ports).size).toBe(20)
  const servers = ports.map((port) => createServer().listen(port, '127.0.0.9'))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))))
  for (const server of servers) server.close()
})
