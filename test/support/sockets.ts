import { readFileSync } from 'node:fs'

/** Both ends' addresses of every TCP connection over IPv4 that this machine has open, from the kernel's own table. */
export function openConnections(): readonly { readonly local: string; readonly remote: string }[] {
  return readFileSync('/proc/net/tcp', 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === ESTABLISHED)
    .map(([, local = '', remote = '']) => ({ local: dotted(local), remote: dotted(remote) }))
}

const ESTABLISHED = '01'

/** The kernel writes the address's bytes in the machine's order, which is little-endian. */
function dotted(addressAndPort: string): string {
  return Buffer.from(addressAndPort.slice(0, 8), 'hex').reverse().join('.')
}
