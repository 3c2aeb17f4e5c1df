import { join } from 'node:path'
import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import { type Member, type MembershipEpoch, parseServiceNodeKey } from '../protocol/service-node.ts'
import { StakingError } from './errors.ts'
import { memberRoot } from './member-root.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

/** The last agreed epochs. */
export interface KeptEpochs {
  readonly current: MembershipEpoch
  readonly previous: MembershipEpoch | undefined
}

/** Epochs of another network or of another length are not ours. */
export interface EpochFileScope {
  readonly network: NetworkId
  readonly epochLengthS: number
}

const FORMAT = 1
/** Two lists of 20,000 members at some 400 bytes each, and as much again. */
const SIZE_MAX_BYTES = 32 * 1024 * 1024

export function epochFilePath(stateFolder: string): string {
  return join(stateFolder, 'membership.json')
}

/**
 * Undefined when nothing is kept, or only of another network.
 * @throws {StakingError} STATE_FILE_DAMAGED
 */
export async function readEpochFile(path: string, scope: EpochFileScope): Promise<KeptEpochs | undefined> {
  const state = await readStateFile(path, SIZE_MAX_BYTES)
  if (state === undefined) return undefined
  const fields = object(state)
  if (fields['format'] !== FORMAT) return undefined
  if (fields['network'] !== scope.network || fields['epochLengthS'] !== scope.epochLengthS) return undefined
  const previous = fields['previous']
  return {
    current: decodeEpoch(fields['current']),
    previous: previous === null ? undefined : decodeEpoch(previous),
  }
}

export function writeEpochFile(path: string, scope: EpochFileScope, epochs: KeptEpochs): Promise<void> {
  return writeStateFile(path, {
    format: FORMAT,
    network: scope.network,
    epochLengthS: scope.epochLengthS,
    current: encodeEpoch(epochs.current),
    previous: epochs.previous === undefined ? null : encodeEpoch(epochs.previous),
  })
}

function encodeEpoch(epoch: MembershipEpoch): JsonObject {
  return {
    index: epoch.index,
    blockNumber: epoch.blockNumber.toString(),
    blockHash: epoch.blockHash,
    blockTimestampS: epoch.blockTimestampS.toString(),
    root: epoch.root,
    members: epoch.members.map((member) => ({
      id: member.id.toString(),
      key: member.key,
      bls: member.bls,
      operator: member.operator,
      addedTimestampS: member.addedTimestampS.toString(),
      leaveRequestTimestampS: member.leaveRequestTimestampS.toString(),
      depositAtomic: member.depositAtomic.toString(),
    })),
  }
}

function decodeEpoch(value: JsonValue | undefined): MembershipEpoch {
  const fields = object(value)
  const list = fields['members']
  const index = fields['index']
  if (!Array.isArray(list) || typeof index !== 'number' || !Number.isSafeInteger(index)) throw damaged()
  const members = list.map(decodeMember)
  const root = text(fields['root'], /^[0-9a-f]{64}$/)
  if (members.some((member, at) => member.id <= (members[at - 1]?.id ?? 0n))) throw damaged()
  if (memberRoot(members) !== root) throw damaged()
  return {
    index,
    blockNumber: integer(fields['blockNumber']),
    blockHash: text(fields['blockHash'], /^0x[0-9a-f]{64}$/),
    blockTimestampS: integer(fields['blockTimestampS']),
    members,
    root,
  }
}

function decodeMember(value: JsonValue): Member {
  const fields = object(value)
  const key = parseServiceNodeKey(text(fields['key'], /^[0-9a-f]{64}$/))
  if (key === undefined) throw damaged()
  return {
    id: uint64(fields['id']),
    key,
    bls: text(fields['bls'], /^[0-9a-f]{128}$/),
    operator: text(fields['operator'], /^0x[0-9a-f]{40}$/) as `0x${string}`,
    addedTimestampS: uint64(fields['addedTimestampS']),
    leaveRequestTimestampS: uint64(fields['leaveRequestTimestampS']),
    depositAtomic: integer(fields['depositAtomic']),
  }
}

function object(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw damaged()
  return value
}

function text(value: JsonValue | undefined, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw damaged()
  return value
}

function integer(value: JsonValue | undefined): bigint {
  return BigInt(text(value, /^\d{1,78}$/))
}

function uint64(value: JsonValue | undefined): bigint {
  const number = integer(value)
  if (number >= 1n << 64n) throw damaged()
  return number
}

function damaged(): StakingError {
  return new StakingError('STATE_FILE_DAMAGED', 'The file with the last membership epochs is not as it was written')
}
