import { once } from 'node:events'
import { connect, type NetConnectOpts } from 'node:net'

/** Whether somebody takes connections at a port, or at the path of a socket; not when the signal ends first. */
export async function isListening(place: NetConnectOpts, signal: AbortSignal): Promise<boolean> {
  const socket = connect(place)
  try {
    await once(socket, 'connect', { signal })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
