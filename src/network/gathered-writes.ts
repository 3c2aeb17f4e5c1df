import { Socket } from 'node:net'
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'

/** How libp2p is given a way to encrypt connections. */
type EncrypterFactory<Components, Extension> = (components: Components) => ConnectionEncrypter<Extension>

/**
 * Noise writes the two bytes of a message's length and the message itself as two pieces, and yamux an update of its window
 * for each piece that it receives: a system call each, and a wake-up of the other side. Here all that one turn of
 * the event loop says on a connection leaves in one system call. What the socket answers about being full, and the
 * order of bytes, stay as they are.
 */
export function gatheringWrites<Components, Extension>(
  create: EncrypterFactory<Components, Extension>,
): EncrypterFactory<Components, Extension> {
  return (components) => {
    const encrypter = create(components)
    return {
      protocol: encrypter.protocol,
      secureOutbound: (connection, options) => encrypter.secureOutbound(gathered(connection), options),
      secureInbound: (connection, options) => encrypter.secureInbound(gathered(connection), options),
    }
  }
}

/** The same connection. One that runs over no socket stays as it is. */
function gathered(connection: MessageStream): MessageStream {
  if (!('socket' in connection && connection.socket instanceof Socket)) return connection
  const { socket } = connection
  const send = connection.send.bind(connection)
  let corked = false
  connection.send = (data) => {
    if (!corked) {
      corked = true
      socket.cork()
      setImmediate(() => {
        corked = false
        socket.uncork()
      })
    }
    return send(data)
  }
  return connection
}
