import type { PeerInfo } from '@libp2p/interface'
import type { PeerInfoMapper, SelectFn, ValidateFn } from '@libp2p/kad-dht'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../protocol/service-node.ts'
import { addressOf, isAddressAllowed } from './address-rules.ts'
import type { OpenedRecord } from './node-record-envelope.ts'
import { fromPeerId } from './peer-identity.ts'

// The DHT keeps nothing but node records, each under `/starling-node/<key as 64 hex digits>`.

const NAMESPACE = 'starling-node'

export interface DhtRules {
  validators: Record<string, ValidateFn>
  selectors: Record<string, SelectFn>
  peerInfoMapper: PeerInfoMapper
}

export interface DhtRulesComponents {
  membership: { isMember(key: ServiceNodeKey): boolean }
  /** Opens an envelope and checks everything but whether it is newer than the one we hold. @throws {ProtocolError} */
  open(envelope: Uint8Array): Promise<OpenedRecord>
}

export function recordKeyOf(key: ServiceNodeKey): Uint8Array {
  return utf8(`/${NAMESPACE}/${key}`)
}

/** What the DHT may store, and whom its routing table may hold: staked peers at addresses that may be dialled. */
export function createDhtRules(
  { membership, open }: DhtRulesComponents,
  { allowPrivateAddresses }: { allowPrivateAddresses: boolean },
): DhtRules {
  return {
    validators: {
      async [NAMESPACE](key, value) {
        const named = namedBy(key)
        if ((await open(value)).key !== named) throw new ProtocolError('FRAME_MALFORMED', 'A record under another key')
      },
      // Public keys are in the peer ids; without this, anyone with many keys could fill the table.
      pk() {
        throw new ProtocolError('FRAME_MALFORMED', 'Public keys are not stored')
      },
    },
    selectors: { [NAMESPACE]: async (_key, values) => newest(await Promise.all(values.map(timestampOf))) },
    peerInfoMapper: (peer: PeerInfo) => {
      const key = fromPeerId(peer.id)
      const staked = key !== undefined && membership.isMember(key)
      return { ...peer, multiaddrs: staked ? peer.multiaddrs.filter((address) => mayDial(addressOf(address))) : [] }
    },
  }

  function mayDial(ip: string | undefined): boolean {
    return ip !== undefined && isAddressAllowed(ip, { allowPrivate: allowPrivateAddresses })
  }

  async function timestampOf(envelope: Uint8Array): Promise<number> {
    try {
      return (await open(envelope)).record.timestampMs
    } catch {
      return -1
    }
  }
}

function namedBy(key: Uint8Array): ServiceNodeKey | undefined {
  const [, namespace, name = '', ...rest] = (fromUtf8(key) ?? '').split('/')
  return namespace === NAMESPACE && rest.length === 0 ? parseServiceNodeKey(name) : undefined
}

function newest(timestamps: readonly number[]): number {
  return timestamps.indexOf(Math.max(...timestamps))
}
