import { join } from 'node:path'
import type { DevnetNode } from '../../devnet/network.ts'
import { toX25519KeyPair, type X25519KeyPair } from '../../src/crypto/keys.ts'
import { readKeyFiles } from '../../src/node/key-files.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'

/** What opens each node's onion layers, from its key files. */
export async function layerKeysOf(nodes: readonly DevnetNode[]): Promise<ReadonlyMap<ServiceNodeKey, X25519KeyPair>> {
  const entries = await Promise.all(
    nodes.map(async ({ key, folder }) => {
      const { ed25519 } = await readKeyFiles(join(folder, 'keys'))
      return [key, toX25519KeyPair(ed25519)] as const
    }),
  )
  return new Map(entries)
}
