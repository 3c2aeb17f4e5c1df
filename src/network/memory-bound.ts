import { frameSize } from '../protocol/peer-api/frame.ts'
import { largestPayload } from './byte-budget.ts'
import { NetworkError } from './errors.ts'
import type { NetworkOptions, ProtocolLimits } from './options.ts'
import { UNREAD_MAX } from './peer-session.ts'
import { INBOUND_STREAMS_MAX } from './request-response.ts'

const KIB = 1024

/** Measured: socket, Noise, yamux and libp2p's own records of an idle connection take 105 to 125 KiB. */
const CONNECTION_BYTES = 128 * KIB
/** One piece of a noise or yamux frame being put together, each way. */
const PIECES_BYTES = 2 * 64 * KIB
/**
 * One write that waits for `drain` at libp2p; what follows it is within the budget still. A protocol of small payloads never has so
 * much to write.
 */
const STREAM_BUFFER_BYTES = 64 * KIB
/** Streams of one connection that carry payloads: ours and the peer's, for each protocol. */
const STREAMS_PER_PROTOCOL = 1 + INBOUND_STREAMS_MAX
/** A refusal that waits for the peer to read it. */
const REFUSAL_BYTES = 128
/** A payload, and the padded copy of it that is being written: padding adds a quarter at most where sizes matter. */
const PAYLOAD_FACTOR = 2.25
/** A handshake under way: keys, buffers, a socket. */
const PENDING_BYTES = 64 * KIB
/**
 * An identify, ping or DHT stream holds one message, of this size where peers keep to what is stored. (The DHT library takes messages
 * of up to 4 MiB for the ten seconds that it waits for one; it cannot be told otherwise.)
 */
const SERVICE_STREAM_BYTES = 16 * KIB
const SERVICE_STREAMS = 8

/**
 * The most memory that peers can make this part hold: everything that arrives or leaves is within the payload budget
 * (and once more as the copy that is being written), the rest is a fixed amount per connection.
 */
export function worstCaseMemoryBytes(options: NetworkOptions): number {
  const protocols = Object.keys(options.protocols).length
  const buffers = Object.values(options.protocols).reduce((sum, limits) => sum + streamBufferBytes(limits), 0)
  const streams = STREAMS_PER_PROTOCOL * buffers + SERVICE_STREAMS * SERVICE_STREAM_BYTES
  const refusals = protocols * INBOUND_STREAMS_MAX * UNREAD_MAX * REFUSAL_BYTES
  const perConnection = CONNECTION_BYTES + PIECES_BYTES + streams + refusals
  return (
    options.connectionsMax * perConnection +
    (options.inboundPendingMax + options.dialsMax) * PENDING_BYTES +
    PAYLOAD_FACTOR * options.payloadBudgetBytes
  )
}

function streamBufferBytes({ payloadMaxBytes, inFlightMax, handlersMax }: ProtocolLimits): number {
  return Math.min(STREAM_BUFFER_BYTES, frameSize(payloadMaxBytes) * Math.max(inFlightMax, handlersMax))
}

/** @throws {NetworkError} LIMITS_EXCEED_MEMORY, before anything is opened */
export function requireBoundedMemory(options: NetworkOptions): void {
  const worstBytes = worstCaseMemoryBytes(options)
  if (worstBytes > options.memoryMaxBytes) {
    throw new NetworkError('LIMITS_EXCEED_MEMORY', 'The limits of the peer network allow more memory than its cap', {
      details: { worstBytes, memoryMaxBytes: options.memoryMaxBytes },
    })
  }
  for (const { payloadMaxBytes } of Object.values(options.protocols)) {
    const roomBytes = Math.min(largestPayload(options.payloadBudgetBytes), options.payloadBudgetPerPeerBytes)
    if (payloadMaxBytes > roomBytes) {
      throw new NetworkError('LIMITS_EXCEED_MEMORY', 'The payload budget does not hold one payload', {
        details: { payloadMaxBytes, roomBytes },
      })
    }
  }
}
