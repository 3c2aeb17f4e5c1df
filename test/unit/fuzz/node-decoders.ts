// Decoders of the parts around the protocol: what providers of the chain answer, and records of other nodes.
import { encodeFunctionResult, type Hex, multicall3Abi } from 'viem'
import { utf8 } from '../../../src/base/bytes.ts'
import {
  ed25519KeyPairFromSeed,
  parseEd25519PublicKey,
  parseX25519PublicKey,
  toX25519KeyPair,
} from '../../../src/crypto/keys.ts'
import { openSealedBox, sealToPublicKey } from '../../../src/crypto/sealed-box.ts'
import { readNodeRecord, sealNodeRecord } from '../../../src/network/node-record-envelope.ts'
import { toPrivateKey } from '../../../src/network/peer-identity.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import type { NetworkId } from '../../../src/protocol/network-id.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import { parseBlock, parseData, parseHash, parseLogs, parseQuantity } from '../../../src/staking/chain-reply.ts'
import { StakingError } from '../../../src/staking/errors.ts'
import { decodeId, decodeMember, decodeMemberIds } from '../../../src/staking/member-codec.ts'
import { decodeBundle } from '../../../src/staking/member-list.ts'
import type { FuzzTarget } from '../../support/fuzz.ts'

const OPERATOR: Hex = '0x00000000000000000000000000000000000000aa'
const point = (n: bigint) => ({ X: n + 1n, Y: n + 2n })
const node = encodeFunctionResult({
  abi: serviceNodeRewardsAbi,
  functionName: 'serviceNodes',
  result: {
    ...{ next: 0n, prev: 0n, operator: OPERATOR, blsPubkey: point(7n), ed25519Pubkey: 0xabcn, deposit: 25n },
    ...{ addedTimestamp: 1000n, leaveRequestTimestamp: 2000n, latestLeaveRequestTimestamp: 3000n },
    contributors: [{ staker: { addr: OPERATOR, beneficiary: OPERATOR }, stakedAmount: 25n }],
  },
})
const ids = encodeFunctionResult({
  abi: serviceNodeRewardsAbi,
  functionName: 'allServiceNodeIDs',
  result: [
    [1n, 2n, 3n],
    [point(1n), point(2n), point(3n)],
  ],
})
const bundle = encodeFunctionResult({
  abi: multicall3Abi,
  functionName: 'aggregate3',
  result: [{ success: true, returnData: node }],
})
const hash = `0x${'ab'.repeat(32)}`
const block = { number: '0x10', hash, parentHash: hash, timestamp: '0x6553f100', transactions: [hash] }
const address = `0x${'ab'.repeat(20)}`
const log = { address, topics: [hash], data: '0xabcd', blockNumber: '0x5', blockHash: hash, logIndex: '0x0' }

/** ABI-encoded results, as hex digits in an answer. */
const ofAbi = (name: string, decode: (data: Hex) => unknown, seed: Hex): FuzzTarget => ({
  name,
  seeds: [Buffer.from(seed.slice(2), 'hex')],
  decode: (bytes) => decode(`0x${bytes.toString('hex')}`),
  throws: StakingError,
})

/** What JSON-RPC answers hold. What is not JSON at all, the transport refuses before. */
const ofReply = (name: string, parse: (value: unknown) => unknown, reply: unknown): FuzzTarget => ({
  name,
  seeds: [utf8(JSON.stringify(reply))],
  decode: (bytes) => parse(jsonOf(bytes)),
  throws: StakingError,
})

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return bytes.toString('latin1')
  }
}

const STAKING: readonly FuzzTarget[] = [
  ofAbi('decodeMemberIds', (data) => decodeMemberIds(data, 100), ids),
  ofAbi('decodeMember', (data) => decodeMember(1n, data), node),
  ofAbi('decodeId', decodeId, `0x${'1'.padStart(64, '0')}`),
  ofAbi('decodeBundle', (data) => decodeBundle(data, 1), bundle),
  ofReply('parseBlock', parseBlock, block),
  ofReply('parseQuantity', (value) => parseQuantity(value, 'x'), '0x10'),
  ofReply('parseHash', (value) => parseHash(value, 'x'), hash),
  ofReply('parseData', (value) => parseData(value, 'x'), '0xabcd'),
  ofReply('parseLogs', (value) => parseLogs(value, { from: 1n, to: 9n }), [log]),
]

const pair = ed25519KeyPairFromSeed(Buffer.alloc(32, 1))
const x25519 = toX25519KeyPair(pair)

const KEYS: readonly FuzzTarget[] = [
  {
    name: 'parseEd25519PublicKey',
    seeds: [utf8('ab'.repeat(32))],
    decode: (bytes) => parseEd25519PublicKey(bytes.toString()),
  },
  {
    name: 'parseX25519PublicKey',
    seeds: [utf8('ab'.repeat(32))],
    decode: (bytes) => parseX25519PublicKey(bytes.toString()),
  },
  {
    name: 'openSealedBox',
    seeds: [sealToPublicKey(utf8('sealed'), x25519.publicKey)],
    decode: (bytes) => openSealedBox(bytes, x25519),
  },
]

async function ofNetwork(): Promise<readonly FuzzTarget[]> {
  const record = {
    ...{ network: 'ab'.repeat(32) as NetworkId, contractId: 5n, bls: 'cd'.repeat(64), ip: '192.0.2.7' },
    ...{ httpsPort: 22_021, peerPort: 22_020, version: [1, 2, 3] as const, timestampMs: 1_800_000_000_000 },
    epoch: { index: 7, blockHash: hash, root: 'ef'.repeat(32) },
  }
  const envelope = await sealNodeRecord(record, toPrivateKey(pair))
  return [{ name: 'readNodeRecord', seeds: [envelope], decode: readNodeRecord, throws: ProtocolError }]
}

export async function nodeDecoders(): Promise<readonly FuzzTarget[]> {
  return [...STAKING, ...KEYS, ...(await ofNetwork())]
}
