import type { PeerProtocol } from '../protocol/peer-api/peer-request.ts'
import { defaultNetworkOptions } from './options.ts'

/** Every protocol between service nodes. The options name each one, so the compiler keeps this list whole. */
export const PEER_PROTOCOLS = Object.keys(defaultNetworkOptions.protocols) as readonly PeerProtocol[]
