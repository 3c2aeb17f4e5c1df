// Only who has a stake takes part: real nodes, real transactions, real libp2p connections.
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BaseError, ContractFunctionRevertedError, type Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultStakingOptions } from '../../contracts/deployment/network-parameters.ts'
import { type ChainClient, createChainClient } from '../../devnet/chain/chain-client.ts'
import { nodesThatHold } from '../../devnet/copies.ts'
import type { Devnet, DevnetNode } from '../../devnet/network.ts'
import { callNode, listFrom, postToNode } from '../../devnet/node-request.ts'
import type { Operator } from '../../devnet/stakes.ts'
import { membersOnChain, networkOf } from '../../devnet/swarms.ts'
import { toHex } from '../../src/base/bytes.ts'
import { adminSocketPath, createAdminClient } from '../../src/cli/admin-client.ts'
import { createClient } from '../../src/client/index.ts'
import { generateEd25519KeyPair } from '../../src/crypto/keys.ts'
import { sealNodeRecord } from '../../src/network/node-record-envelope.ts'
import { toPrivateKey } from '../../src/network/peer-identity.ts'
import { BLS_KEY_FILE, createKeyFiles, readKeyFiles } from '../../src/node/key-files.ts'
import { decodeHopAnswer } from '../../src/protocol/peer-api/onion-hop.ts'
import { encodeRecordExchangeRequest } from '../../src/protocol/peer-api/record-exchange.ts'
import type { Member, ServiceNodeKey } from '../../src/protocol/service-node.ts'
import { stakingTokenAbi } from '../../src/staking/abi.ts'
import { stakingCallAbi } from '../../src/staking/contract-errors.ts'
import { createRegistration, registrationArguments } from '../../src/staking/registration.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { readMetrics, readReadiness } from '../support/node-metrics.ts'
import { newAccount } from '../support/people.ts'
import { Stranger } from '../support/stranger.ts'

const NODES = 4
const EPOCH_S = 4
const EPOCHS_MAX = 4
/** Any bytes: what counts is whether the node reads them. */
const NO_LAYER = new Uint8Array(8)

let devnet: Devnet & { folder: string }
/** Has keys, ether and tokens, and no stake yet. */
let waiting: { operator: Operator; node: DevnetNode }
/** Has a member's BLS key beside a key of its own. */
let mixed: DevnetNode
/** Somebody else registered its Ed25519 key, with a BLS key of his own. */
let squatted: DevnetNode
/** Not a node, only a key, which is registered at the end. */
let newcomer: Operator

beforeAll(async () => {
  devnet = await startTestDevnet({ nodes: NODES, epochLengthS: EPOCH_S })
  const operator = await devnet.createOperator(NODES + 1)
  waiting = { operator, node: await devnet.prepare(NODES + 1, operator) }
  const victim = await devnet.createOperator(NODES + 2)
  const squatter = await devnet.createOperator(NODES + 3)
  squatted = await devnet.prepare(NODES + 2, victim)
  newcomer = await devnet.createOperator(NODES + 4)
  mixed = await devnet.prepare(NODES + 5, await operatorWithMixedKeys(devnet.nodes[0] as DevnetNode))

  await devnet.chain.register({ ...squatter, keys: { ed25519: victim.keys.ed25519, bls: squatter.keys.bls } })
  for (const { runner } of [waiting.node, mixed, squatted]) runner.start()
})

afterAll(async () => {
  for (const node of [waiting?.node, mixed, squatted]) await node?.runner[Symbol.asyncDispose]()
  await devnet?.[Symbol.asyncDispose]()
})

describe('the contract', () => {
  let client: ChainClient
  let registration: ReturnType<typeof createRegistration>
  const stake = defaultStakingOptions.stakingRequirementAtomic

  beforeAll(() => {
    const { anvil, deployment } = devnet.chain
    const { operator } = waiting
    client = createChainClient(anvil, operator.privateKey)
    registration = createRegistration({
      chainId: anvil.chainId,
      contract: deployment.rewards,
      operator: client.account.address,
      ed25519: operator.keys.ed25519,
      blsSecretKey: operator.keys.bls.secretKey,
      feeBasisPoints: 0,
    })
  })

  test('takes no stake that is one atomic unit too small', async () => {
    await approve(stake)
    const staker = { addr: client.account.address, beneficiary: client.account.address }
    expect(await registerWith([{ staker, stakedAmount: stake - 1n }])).toEqual({
      reason: 'ContributionTotalMismatch',
      status: 'reverted',
    })
  })

  test('takes no registration whose stake it may not take whole', async () => {
    await approve(stake - 1n)
    expect(await registerWith([])).toEqual({ reason: 'ERC20InsufficientAllowance', status: 'reverted' })
    await approve(0n)
  })

  async function approve(amountAtomic: bigint): Promise<void> {
    const { token, rewards } = devnet.chain.deployment
    const approval = { address: token, abi: stakingTokenAbi, functionName: 'approve' } as const
    const hash = await client.writeContract({ ...approval, args: [rewards, amountAtomic] })
    expect((await client.waitForTransactionReceipt({ hash })).status).toBe('success')
  }

  /** Asks the contract why, and sends the transaction all the same. */
  async function registerWith(
    contributors: readonly { staker: { addr: Hex; beneficiary: Hex }; stakedAmount: bigint }[],
  ): Promise<{ reason: string | undefined; status: string }> {
    const [bls, proof, params] = registrationArguments(registration)
    const call = {
      address: devnet.chain.deployment.rewards,
      abi: stakingCallAbi,
      functionName: 'addBLSPublicKey',
      args: [bls, proof, params, contributors],
    } as const
    const reason = await client.simulateContract(call).then(() => undefined, revertName)
    const hash = await client.writeContract({ ...call, gas: 3_000_000n })
    const { status } = await client.waitForTransactionReceipt({ hash })
    const members = await membersOnChain(devnet.chain)
    expect(members.map(({ key }) => key)).not.toContain(waiting.node.key)
    return { reason, status }
  }
})

describe('the operator of a member', () => {
  test('hears from it over its socket, and nobody signs for a member that stays', async () => {
    const [node] = devnet.nodes
    if (node === undefined) throw new Error('There are nodes')
    const admin = createAdminClient({ socketPath: adminSocketPath(join(node.folder, 'data')) })
    const signal = AbortSignal.timeout(60_000)
    expect((await admin.status(signal)).sections).toMatchObject({
      serving: { facts: { isServing: true } },
      node: { facts: { key: node.key } },
      stake: { facts: { state: 'active' } },
    })
    const { bls } = await readKeyFiles(join(node.folder, 'keys'))
    const collecting = admin.collect({ kind: 'exit', blsPublicKey: bls.publicKey }, signal)
    await expect(collecting).rejects.toMatchObject({
      code: 'SIGNATURES_INSUFFICIENT',
      details: { signed: 0, 'leave-not-requested': NODES },
    })
  })
})

describe('a node without a stake', () => {
  test('says so, and what to run next', async () => {
    expect(await stakeReason(waiting.node)).toMatch(/not registered.* Next: starling stake register$/)
    expect(await stakeReason(mixed)).toMatch(
      /The BLS key .* with another Ed25519 key.* Next: starling keys restore --from node\.backup$/,
    )
  })

  test('answers clients with 503, and why', async () => {
    for (const node of [waiting.node, mixed]) await expectRefusal(node)
  })

  test('is refused by every member before it can ask anything', async () => {
    const strange = [
      await readKeyFiles(waiting.operator.keysFolder),
      await readKeyFiles(join(mixed.folder, 'keys')),
      { ed25519: newcomer.keys.ed25519 },
      { ed25519: generateEd25519KeyPair() },
    ]
    for (const { ed25519 } of strange) {
      await using stranger = await Stranger.create(ed25519, networkOf(devnet.chain))
      for (const node of devnet.nodes) {
        const labels = { reason: 'not-member' }
        const refused = (await readMetrics(node)).sum('starling_network_connections_refused_total', labels)
        for (const protocol of ['onion', 'forward', 'records']) {
          expect(await stranger.ask(node.multiaddr, protocol, NO_LAYER)).toBeUndefined()
        }
        // The waiting nodes knock too while this goes on, so there may be more than these three.
        const refusedNow = (await readMetrics(node)).sum('starling_network_connections_refused_total', labels)
        expect(refusedNow).toBeGreaterThanOrEqual(refused + 3)
      }
    }
  })

  test('is on nobody’s list and keeps no connection', async () => {
    for (const node of [waiting.node, mixed]) {
      await expectUnlisted(node.key)
      // It goes on knocking, and for a moment takes a connection for open that a member is about to end.
      await eventually(`node ${node.index} has no connection`, async () =>
        (await readMetrics(node)).sum('starling_network_connections') === 0 ? true : undefined,
      )
    }
  })
})

describe('a node whose key somebody else registered', () => {
  test('says so, and answers clients with 503', async () => {
    expect(await stakeReason(squatted, /with another BLS key/)).toMatch(
      / Next: starling keys (show|restore --from node\.backup)$/,
    )
    await expectRefusal(squatted)
  })

  test('has its record refused, so that nobody is told an address for it', async () => {
    // Its place is taken here: of two with the same key, members drop the connections of one for the other's.
    await squatted.runner.stop('SIGTERM')
    const { ed25519, bls } = await readKeyFiles(join(squatted.folder, 'keys'))
    const listed = (await membersOnChain(devnet.chain)).find(({ key }) => key === squatted.key) as Member
    const envelope = await sealNodeRecord(
      {
        network: networkOf(devnet.chain),
        contractId: listed.id,
        bls: toHex(bls.publicKey),
        ip: squatted.ip,
        httpsPort: squatted.httpsPort,
        peerPort: squatted.httpsPort,
        version: [0, 1, 0],
        timestampMs: Date.now(),
        epoch: { index: 1, blockHash: `0x${'ee'.repeat(32)}`, root: 'ee'.repeat(32) },
      },
      toPrivateKey(ed25519),
    )
    const records = encodeRecordExchangeRequest({ envelopes: [envelope], held: undefined, inReturn: false })
    await using stranger = await Stranger.create(ed25519, networkOf(devnet.chain))
    for (const node of devnet.nodes) {
      await eventually(`node ${node.index} takes the key for a member's`, async () =>
        (await listFrom(node)).find(({ key }) => key === squatted.key),
      )
      const outcome = { outcome: 'other-keys' }
      const refused = (await readMetrics(node)).sum('starling_network_received_records_total', outcome)
      expect(await stranger.ask(node.multiaddr, 'records', records)).toMatchObject({ kind: 'response' })
      expect((await readMetrics(node)).sum('starling_network_received_records_total', outcome)).toBe(refused + 1)
    }
    for (const node of devnet.nodes) {
      const told = (await listFrom(node)).find(({ key }) => key === squatted.key)
      // The contract lists the key: whoever registered it has a stake in it.
      expect(told?.ip).toBe('0.0.0.0')
    }
    await using client = createClient({ seeds: [devnet.seed], account: newAccount() })
    const swarm = await client.getSwarm(newAccount().id)
    expect(swarm.map(({ key }) => key).sort()).toEqual(devnet.nodes.map(({ key }) => key).sort())
  })
})

// Last: it changes who has a stake.
describe('a node that registers', () => {
  test('serves within a few epochs, without a restart', async () => {
    const { operator, node } = waiting
    const { pid } = node.runner
    await devnet.chain.register(operator)
    await devnet.chain.register(newcomer)
    await eventually('the new member is ready', async () => {
      const { ready } = await readReadiness(node)
      return ready ? true : undefined
    })
    expect(node.runner.pid).toBe(pid)
    expect(node.runner.running).toBe(true)

    const own = (await membersOnChain(devnet.chain)).find(({ key }) => key === node.key)
    const registeredIn = Math.ceil(Number(own?.addedTimestampS) / EPOCH_S)
    const servesFrom = await firstEpochWithMembers(node, Number(own?.id))
    expect(servesFrom).toBeGreaterThanOrEqual(registeredIn)
    expect(servesFrom).toBeLessThanOrEqual(registeredIn + EPOCHS_MAX)
  })

  test('is listed by all members, and keeps messages', async () => {
    const all = [...devnet.nodes, waiting.node]
    for (const node of all) {
      await eventually(`node ${node.index} knows where the new member is`, async () =>
        (await listFrom(node)).find(({ key, ip }) => key === waiting.node.key && ip === waiting.node.ip),
      )
    }
    const [alice, bob] = [newAccount(), newAccount()]
    await using sender = createClient({ seeds: [devnet.seed], account: alice })
    const { hash, confirmations } = await sender.sendMessage(bob.id, 'For all members, the newest too')
    expect(confirmations).toBe(all.length)
    expect(await nodesThatHold(hash, bob, all)).toEqual(all)
  })

  test('has its requests answered by every member', async () => {
    await using member = await Stranger.create(newcomer.keys.ed25519, networkOf(devnet.chain))
    for (const node of devnet.nodes) {
      const frame = await eventually(`node ${node.index} answers`, () => member.ask(node.multiaddr, 'onion', NO_LAYER))
      const answer = frame.kind === 'response' ? decodeHopAnswer(frame.payload) : undefined
      expect(answer?.status).toBe(400)
      expect(Buffer.from(answer?.body ?? []).toString()).toMatch(/^Invalid internal onion request: /)
    }
  })
})

async function operatorWithMixedKeys(member: DevnetNode): Promise<Operator> {
  const keysFolder = join(devnet.folder, `node-00${NODES + 5}`, 'keys')
  await createKeyFiles(keysFolder)
  await copyFile(join(member.folder, 'keys', BLS_KEY_FILE), join(keysFolder, BLS_KEY_FILE))
  return { keys: await readKeyFiles(keysFolder), keysFolder, privateKey: '0x' }
}

/** Why the node says that its stake keeps it from serving, once it has looked at the chain. */
function stakeReason(node: DevnetNode, like = /./): Promise<string> {
  return eventually(`node ${node.index} says what is wrong with its stake`, async () => {
    const { status, ready, reasons } = await readReadiness(node)
    const reason = reasons.find(({ part }) => part === 'stake')?.reason
    if (reason === undefined || !like.test(reason)) return undefined
    expect([status, ready]).toEqual([503, false])
    return reason
  })
}

async function expectRefusal(node: DevnetNode): Promise<void> {
  const reason = await stakeReason(node, / Next: /)
  const direct = await eventually(`node ${node.index} listens`, () => callNode(node, 'info', {}))
  expect(direct.status).toBe(503)
  expect(direct.body).toContain(`Service node is not ready: ${reason}`)
  const onion = await postToNode(node, '/onion_req/v2', NO_LAYER)
  expect([onion.status, onion.body.toString()]).toEqual([503, `Snode not ready: ${node.key}`])
}

async function expectUnlisted(key: ServiceNodeKey): Promise<void> {
  for (const node of devnet.nodes) {
    const keys = (await listFrom(node)).map((listed) => listed.key)
    expect(keys).toEqual(expect.arrayContaining(devnet.nodes.map((member) => member.key)))
    expect(keys).not.toContain(key)
  }
}

function revertName(error: unknown): string | undefined {
  if (!(error instanceof BaseError)) throw error
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
  return reverted instanceof ContractFunctionRevertedError ? reverted.data?.errorName : undefined
}

/** The epoch, by the node's own log, from which on so many are on its list. */
async function firstEpochWithMembers({ logPath }: DevnetNode, members: number): Promise<number | undefined> {
  const lines = (await readFile(logPath, 'utf8')).split('\n').filter((line) => line.startsWith('{'))
  const changes = lines
    .map((line) => JSON.parse(line) as { msg: string; epoch: number; members: number })
    .filter(({ msg }) => msg === 'The service node list changed')
  return changes.find((change) => change.members >= members)?.epoch
}
