import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** A TCP port of this address that nobody uses at the moment. */
export async function freePort(address: string): Promise<number> {
  const [port] = await freePorts(address, 1)
  return port as number
}

/** Different TCP ports of this address that nobody uses at the moment. */
export async function freePorts(address: string, count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, address))
  // All are held at the same time, so that none is given out twice.
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
