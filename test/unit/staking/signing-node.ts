import { join } from 'node:path'
import { toHex } from '../../../src/base/bytes.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import {
  aggregateBlsSignatures,
  BlsMessage,
  blsPublicKey,
  blsSign,
  blsSignatureParameter,
} from '../../../src/crypto/bls.ts'
import { blsTags, exitMessage, liquidateMessage, rewardMessage } from '../../../src/crypto/bls-messages.ts'
import { createAdminRoutes } from '../../../src/node/admin-routes.ts'
import { ADMIN_SOCKET_FILE, startAdminSocket } from '../../../src/node/admin-socket.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import type { SignatureSource, SignatureSubject } from '../../../src/staking/signatures/signature-source.ts'
import { type CommandWorld, createCommandWorld } from './command-world.ts'
import { aNode, type TestNode } from './staked-chain.ts'

/** The operator's socket of a running node whose network signs whatever it is asked for, with the members' real keys. */
export interface SigningNode extends AsyncDisposable {
  readonly dataFolder: string
  /** The ledger: lifetime totals by address in small letters. */
  readonly totals: Map<string, bigint>
  /** The block that the ledger goes up to. */
  ledgerBlock: bigint
  /** Keys that sign as long as the contract has them; all others are non-signers. */
  readonly signers: TestNode[]
  /** Called after a signature was made and before it is handed out. */
  afterSigning: () => Promise<void>
  readonly asked: string[]
}

export async function startSigningNode(world: CommandWorld): Promise<SigningNode> {
  const { client, staking, anvil } = world.chain
  const tags = blsTags(anvil.chainId, staking.rewards)
  const dataFolder = await world.newFolder()
  const totals = new Map<string, bigint>()
  const node = {
    dataFolder,
    totals,
    ledgerBlock: 1n,
    signers: [] as TestNode[],
    asked: [] as string[],
    afterSigning: async () => {},
  }
  const messageOf = (subject: SignatureSubject, timestampS: number) => {
    if (subject.kind === 'reward')
      return rewardMessage(tags, subject.recipient, totals.get(subject.recipient.toLowerCase()) ?? 0n)
    const message = subject.kind === 'exit' ? exitMessage : liquidateMessage
    return message(tags, subject.blsPublicKey, timestampS)
  }
  const signatures: SignatureSource = {
    async collect(subject) {
      node.asked.push(subject.kind)
      const timestampS = Number(await world.chain.latestTimestampS())
      const [ids, keys] = await client.readContract({
        address: staking.rewards,
        abi: serviceNodeRewardsAbi,
        functionName: 'allServiceNodeIDs',
      })
      const listed = keys.map(({ X, Y }) => X.toString(16).padStart(64, '0') + Y.toString(16).padStart(64, '0'))
      const signing = node.signers.filter(({ keys: { bls } }) => listed.includes(bls))
      const hashed = new BlsMessage(messageOf(subject, timestampS), tags.hashToG2)
      const sum = aggregateBlsSignatures(signing.map(({ blsSecretKey }) => blsSign(blsSecretKey, hashed)))
      if (sum === undefined) throw new Error('Nobody signs')
      const isSigner = (bls: string | undefined) => signing.some(({ keys: own }) => own.bls === bls)
      const collected = {
        kind: subject.kind,
        ...(subject.kind === 'reward'
          ? { totalAtomic: totals.get(subject.recipient.toLowerCase()) ?? 0n }
          : { timestampS }),
        signature: blsSignatureParameter(sum),
        nonSigners: ids.filter((_, index) => !isSigner(listed[index])).toSorted((a, b) => (a < b ? -1 : 1)),
        signed: signing.length,
        members: ids.length,
        refusals: {},
      }
      await node.afterSigning()
      return collected
    },
  }
  const place = () => ({ index: 7, blockNumber: node.ledgerBlock, root: 'ab'.repeat(32) })
  const handle = createAdminRoutes({
    signatures,
    rewards: {
      current: place,
      total: (address) => ({ ...place(), totalAtomic: totals.get(address.toLowerCase()) ?? 0n }),
    },
  })
  const socket = await startAdminSocket({ log: silentLogger, handle }, { path: join(dataFolder, ADMIN_SOCKET_FILE) })
  return Object.assign(node, { [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose]() })
}

/** A chain with four members, whose keys sign. */
export async function createSignedWorld(): Promise<
  { readonly world: CommandWorld; readonly node: SigningNode } & AsyncDisposable
> {
  const world = await createCommandWorld()
  const node = await startSigningNode(world)
  for (let count = 0; count < 4; count++) {
    const member = aNode()
    await world.chain.register(member)
    node.signers.push(member)
  }
  return {
    ...{ world, node },
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

export function blsKeyText({ blsSecretKey }: TestNode): string {
  return toHex(blsPublicKey(blsSecretKey))
}
