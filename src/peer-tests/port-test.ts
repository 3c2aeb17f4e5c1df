import { request } from 'node:https'
import { connect } from 'node:net'
import { toBase64 } from '../base/bytes.ts'
import { type ServiceNodeContact, serviceNodeKeyBytes } from '../protocol/service-node.ts'

/** What a service node answers pings with: its key, in base64. */
const KEY_HEADER = 'x-oxen-snode-pubkey'
const PING_PATH = '/ping_test/v1'

/** Whether a ping of the clients' port is answered by this service node, and not by something else that lives there. */
export function answersHttps(
  { ip, httpsPort, key }: Pick<ServiceNodeContact, 'ip' | 'httpsPort' | 'key'>,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false)
    const ping = request({
      ...{ host: ip, port: httpsPort, path: PING_PATH, method: 'POST', headers: { 'Content-Length': 0 } },
      // A service node signs its own certificate, and clients look at none. A connection of its own, since the port is what is tested.
      ...{ rejectUnauthorized: false, agent: false, signal },
    })
    ping.once('response', (response) => {
      resolve(response.statusCode === 200 && response.headers[KEY_HEADER] === toBase64(serviceNodeKeyBytes(key)))
      ping.destroy()
    })
    // Stays, for what comes after the answer.
    ping.on('error', () => resolve(false))
    ping.once('close', () => resolve(false))
    ping.end()
  })
}

/**
 * Whether the port for service nodes takes connections. An answer over a connection that the member has opened itself would not tell
 * that others can open one.
 */
export function takesConnections(
  { ip, peerPort }: Pick<ServiceNodeContact, 'ip' | 'peerPort'>,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false)
    const socket = connect({ host: ip, port: peerPort, signal })
    socket.once('connect', () => {
      resolve(true)
      socket.destroy()
    })
    socket.on('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}
