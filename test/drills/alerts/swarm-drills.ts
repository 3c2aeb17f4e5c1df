import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DevnetNode } from '../../../devnet/network.ts'
import { postToNode } from '../../../devnet/node-request.ts'
import { utf8 } from '../../../src/base/bytes.ts'
import { parseX25519PublicKey } from '../../../src/crypto/keys.ts'
import { buildOnionRequest, type OnionPathNode } from '../../../src/protocol/onion/request.ts'
import { storeAnew } from '../../support/store-anew.ts'
import { repeatedly } from '../repeatedly.ts'
import type { Drill } from './drill.ts'
import { allBut, type Field, holdStill, reconfigure, restart } from './field.ts'

const WITNESS = 1
const SURVIVORS = [1, 2, 3]
const VICTIMS = [4, 5, 6, 7, 8]
const HIDDEN_NODE = 6
const EMPTY_NODE = 8
const ASK_EVERY_MS = 200

/** What happens between members. */
export const swarmDrills = [
  {
    fault: 'the HTTPS port of the node listens where nobody else can reach it',
    node: HIDDEN_NODE,
    alerts: ['StarlingUnreachable'],
    async provoke(field) {
      reconfigure(field.node(HIDDEN_NODE), { 'rpc.listenAddress': '127.0.0.1' })
      await restart(field, field.node(HIDDEN_NODE))
      return undefined
    },
    async mend(field) {
      const node = field.node(HIDDEN_NODE)
      reconfigure(node, { 'rpc.listenAddress': node.ip })
      await restart(field, node)
    },
  },
  {
    fault: 'the node loses its messages while all others hang',
    node: EMPTY_NODE,
    alerts: ['StarlingJoinStuck'],
    async provoke(field) {
      const node = field.node(EMPTY_NODE)
      await node.runner.stop('SIGTERM')
      rmSync(join(node.folder, 'data/messages'), { recursive: true })
      const held = holdStill(allBut(field, node))
      node.runner.start()
      return held
    },
    mend: async () => {},
  },
  {
    fault: 'one node is killed',
    node: VICTIMS[0] ?? 0,
    alerts: ['StarlingDown'],
    async provoke(field) {
      await field.node(VICTIMS[0] ?? 0).runner.stop('SIGKILL')
      return undefined
    },
    mend: (field) => field.devnet.start(field.node(VICTIMS[0] ?? 0)),
  },
  {
    fault: 'five nodes of eight are killed, and clients go on',
    node: WITNESS,
    alerts: ['StarlingCutOff', 'StarlingMembersSilent', 'StarlingHandOffWaits', 'StarlingOnionsFail'],
    async provoke(field) {
      await Promise.all(VICTIMS.map((index) => field.node(index).runner.stop('SIGKILL')))
      return useAllTheTime(field)
    },
    async mend(field) {
      await Promise.all(VICTIMS.map((index) => field.devnet.start(field.node(index))))
    },
  },
] as const satisfies readonly Drill[]

/** A client that stores, and one whose path leads through the witness to a node that is gone. */
function useAllTheTime(field: Field): AsyncDisposable {
  const witness = field.node(WITNESS)
  const [guard, , last] = SURVIVORS.map((index) => field.node(index))
  const dead = VICTIMS.map((index) => field.node(index))
  return repeatedly(4, (count) => {
    const victim = dead[count % dead.length]
    return Promise.all([
      storeAnew(witness, utf8('Is anybody there?')).catch(() => {}),
      victim !== undefined && guard !== undefined && last !== undefined
        ? askThrough([guard, victim, last], last).catch(() => {})
        : undefined,
      delay(ASK_EVERY_MS),
    ])
  })
}

async function askThrough(path: readonly DevnetNode[], destination: DevnetNode): Promise<void> {
  const [guard] = path
  if (guard === undefined) return
  const { body } = buildOnionRequest({
    path: path.map(onionNode),
    destination: { kind: 'service-node', ...onionNode(destination) },
    payload: utf8(JSON.stringify({ method: 'info', params: {} })),
    encryption: 'aes-gcm',
  })
  await postToNode(guard, '/onion_req/v2', body)
}

function onionNode({ key, x25519 }: DevnetNode): OnionPathNode {
  const parsed = parseX25519PublicKey(x25519)
  if (parsed === undefined) throw new Error('A node has no key')
  return { ed25519: key, x25519: parsed }
}
