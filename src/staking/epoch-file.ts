import { join } from 'node:path'
import type { JsonObject, JsonValue } from '../protocol/json.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import { type Member, type MembershipEpoch, parseServiceNodeKey } from '../protocol/service-node.ts'
import { memberRoot } from './member-root.ts'
import {
  countField,
  damagedState,
  integerField,
  listField,
  objectField,
  textField,
  uint64Field,
} from './state-fields.ts'
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
  const fields = objectField(state)
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
  const fields = objectField(value)
  const index = countField(fields['index'])
  const members = listField(fields['members']).map(decodeMember)
  const root = textField(fields['root'], /^[0-9a-f]{64}$/)
  if (members.some((member, at) => member.id <= (members[at - 1]?.id ?? 0n))) throw damagedState()
  if (memberRoot(members) !== root) throw damagedState()
  return {
    index,
    blockNumber: integerField(fields['blockNumber']),
    blockHash: textField(fields['blockHash'], /^0x[0-9a-f]{64}$/),
    blockTimestampS: integerField(fields['blockTimestampS']),
    members,
    root,
  }
}

function decodeMember(value: JsonValue): Member {
  const fields = objectField(value)
  const key = parseServiceNodeKey(textField(fields['key'], /^[0-9a-f]{64}$/))
  if (key === undefined) throw damagedState()
  return {
    id: uint64Field(fields['id']),
    key,
    bls: textField(fields['bls'], /^[0-9a-f]{128}$/),
    operator: textField(fields['operator'], /^0x[0-9a-f]{40}$/) as `0x${string}`,
    addedTimestampS: uint64Field(fields['addedTimestampS']),
    leaveRequestTimestampS: uint64Field(fields['leaveRequestTimestampS']),
    depositAtomic: integerField(fields['depositAtomic']),
  }
}
