import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createChainClient } from '../../../devnet/chain/chain-client.ts'
import { removesMember } from '../../unit/staking/provider-lies.ts'
import { type RpcProxy, startRpcProxy } from '../../unit/staking/rpc-proxy.ts'
import type { Drill } from './drill.ts'
import { type Field, reconfigure, restart } from './field.ts'

const FOLLOWER = 1
const WARY_NODE = 2
const PROVIDERS = 3
const OTHER_CODE = `0x${'5a'.repeat(32)}`

let proxies: readonly RpcProxy[] = []

/** What the chain and its providers do. The first drill gives the node three providers, which the others need. */
export const chainDrills = [
  {
    fault: 'one RPC provider of three hides a member',
    node: FOLLOWER,
    alerts: ['StarlingProviderDisagrees'],
    async provoke(field) {
      const node = field.node(FOLLOWER)
      const { rpcUrl } = field.devnet.chain.anvil
      proxies = await Promise.all(Array.from({ length: PROVIDERS }, () => startRpcProxy(rpcUrl)))
      const [liar] = proxies
      if (liar !== undefined) liar.behaviour = { kind: 'lying', lie: removesMember }
      reconfigure(node, { 'staking.rpcUrls': proxies.map(({ url }) => url) })
      await node.runner.stop('SIGTERM')
      // With a list of its own, it would only ask what changed since.
      rmSync(join(node.folder, 'data/staking'), { recursive: true })
      await field.devnet.start(node)
      return undefined
    },
    async mend() {
      setAll({ kind: 'honest' })
    },
  },
  {
    fault: 'all RPC providers are down',
    node: FOLLOWER,
    alerts: ['StarlingChainUnreachable', 'StarlingProvidersFew'],
    async provoke() {
      setAll({ kind: 'down' })
      return undefined
    },
    async mend() {
      setAll({ kind: 'honest' })
    },
  },
  {
    fault: 'the chain makes no blocks',
    node: FOLLOWER,
    alerts: ['StarlingChainOld'],
    async provoke(field) {
      await mineEvery(field, 0)
      return undefined
    },
    mend: (field) => mineEvery(field, 1),
  },
  {
    fault: 'the contract runs other code than the operator has accepted',
    node: WARY_NODE,
    alerts: ['StarlingContractChanged'],
    async provoke(field) {
      reconfigure(field.node(WARY_NODE), { 'staking.acceptedCode': OTHER_CODE })
      await restart(field, field.node(WARY_NODE))
      return undefined
    },
    async mend(field) {
      reconfigure(field.node(WARY_NODE), { 'staking.acceptedCode': 'first' })
      await restart(field, field.node(WARY_NODE))
    },
  },
] as const satisfies readonly Drill[]

export async function stopProxies(): Promise<void> {
  await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
}

function setAll(behaviour: RpcProxy['behaviour']): void {
  for (const proxy of proxies) proxy.behaviour = behaviour
}

async function mineEvery({ devnet }: Field, seconds: number): Promise<void> {
  const { anvil } = devnet.chain
  const client = createChainClient(anvil, anvil.accounts[0]?.privateKey ?? '0x')
  await client.request({ method: 'evm_setIntervalMining', params: [seconds] } as never)
}
