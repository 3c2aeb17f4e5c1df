import { join } from 'node:path'
import type { JsonObject, JsonValue } from '../../protocol/json.ts'
import type { NetworkId } from '../../protocol/network-id.ts'
import type { Hex } from '../chain-reply.ts'
import {
  countField,
  damagedState,
  flagField,
  integerField,
  listField,
  objectField,
  textField,
  uint64Field,
} from '../state-fields.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'
import type { LedgerContributor, LedgerEvent, LedgerNode } from './ledger-event.ts'
import type { LedgerContent } from './ledger-state.ts'
import type { Checkpoint, HistoryContent, HistorySegment } from './log-history.ts'

/** All that a restart needs: what was read, up to which block, and what came out, written together. */
export interface KeptLedger {
  readonly pool: Hex
  readonly firstBlock: bigint
  readonly history: HistoryContent
  readonly snapshot: KeptSnapshot | undefined
  /** Roots of recent periods. */
  readonly roots: readonly (readonly [number, string])[]
}

/** A snapshot without its totals: they are in the ledger. */
export interface KeptSnapshot {
  readonly index: number
  readonly block: { readonly number: bigint; readonly hash: Hex }
  readonly root: string
}

/** A ledger of another network, or by other rules, is not ours. */
export interface LedgerFileScope {
  readonly network: NetworkId
  readonly periodS: number
  readonly ageMinS: number
  readonly liquidationLockS: number
}

const FORMAT = 2
/** 20,000 members with ten contributors each at some 110 bytes, and as much again for totals and recent logs. */
const SIZE_MAX_BYTES = 64 * 1024 * 1024

const ADDRESS = /^0x[0-9a-f]{40}$/
const HASH = /^0x[0-9a-f]{64}$/
const ROOT = /^[0-9a-f]{64}$/
const BLS = /^[0-9a-f]{128}$/

export function ledgerFilePath(stateFolder: string): string {
  return join(stateFolder, 'rewards.json')
}

/**
 * Undefined when nothing is kept, or only of another network.
 * @throws {StakingError} STATE_FILE_DAMAGED
 */
export async function readLedgerFile(path: string, scope: LedgerFileScope): Promise<KeptLedger | undefined> {
  const state = await readStateFile(path, SIZE_MAX_BYTES)
  if (state === undefined) return undefined
  const fields = objectField(state)
  if (fields['format'] !== FORMAT || fields['scope'] !== scopeText(scope)) return undefined
  const snapshot = fields['snapshot']
  return {
    pool: addressField(fields['pool']),
    firstBlock: integerField(fields['firstBlock']),
    history: decodeHistory(objectField(fields['history'])),
    snapshot: snapshot === null ? undefined : decodeSnapshot(objectField(snapshot)),
    roots: listField(fields['roots']).map(decodeRoot),
  }
}

export function writeLedgerFile(path: string, scope: LedgerFileScope, kept: KeptLedger): Promise<void> {
  const { history, snapshot } = kept
  return writeStateFile(path, {
    format: FORMAT,
    scope: scopeText(scope),
    pool: kept.pool,
    firstBlock: kept.firstBlock.toString(),
    history: {
      end: encodeCheckpoint(history.base.end),
      ledger: encodeLedger(history.base.ledger),
      segments: history.segments.map(({ end, events }) => ({
        end: encodeCheckpoint(end),
        events: events.map(encodeEvent),
      })),
    },
    snapshot: snapshot === undefined ? null : encodeSnapshot(snapshot),
    roots: kept.roots.map(([index, root]) => [index, root]),
  })
}

function scopeText({ network, periodS, ageMinS, liquidationLockS }: LedgerFileScope): string {
  return `${network} ${periodS} ${ageMinS} ${liquidationLockS}`
}

function decodeHistory(fields: JsonObject): HistoryContent {
  return {
    base: { end: decodeCheckpoint(fields['end']), ledger: decodeLedger(objectField(fields['ledger'])) },
    segments: listField(fields['segments']).map((value): HistorySegment => {
      const segment = objectField(value)
      return { end: decodeCheckpoint(segment['end']), events: listField(segment['events']).map(decodeEvent) }
    }),
  }
}

function encodeSnapshot({ index, block, root }: KeptSnapshot): JsonObject {
  return { index, blockNumber: block.number.toString(), blockHash: block.hash, root }
}

function decodeSnapshot(fields: JsonObject): KeptSnapshot {
  return {
    index: countField(fields['index']),
    block: { number: uint64Field(fields['blockNumber']), hash: textField(fields['blockHash'], HASH) as Hex },
    root: textField(fields['root'], ROOT),
  }
}

function decodeRoot(value: JsonValue): readonly [number, string] {
  const [index, root] = listField(value)
  return [countField(index), textField(root, ROOT)]
}

/** The block before the first may be -1. */
function encodeCheckpoint({ number, hash, timestampS }: Checkpoint): JsonObject {
  return { number: number.toString(), hash, timestampS: timestampS.toString() }
}

function decodeCheckpoint(value: JsonValue | undefined): Checkpoint {
  const fields = objectField(value)
  const number = BigInt(textField(fields['number'], /^(-1|\d{1,20})$/))
  return { number, hash: textField(fields['hash'], HASH) as Hex, timestampS: uint64Field(fields['timestampS']) }
}

function encodeLedger(ledger: LedgerContent): JsonObject {
  return {
    openPeriod: ledger.openPeriod,
    pot: ledger.potAtomic.toString(),
    isPaid: ledger.isPaid,
    nodes: ledger.nodes.map((node) => ({ ...encodeNode(node), since: node.since })),
    liquidated: ledger.liquidated.map(String),
    pending: ledger.pending.map(({ period, address, amountAtomic }) => [period, address, amountAtomic.toString()]),
    totals: ledger.totals.map(([address, total]) => [address, total.toString()]),
  }
}

function decodeLedger(fields: JsonObject): LedgerContent {
  return {
    openPeriod: countField(fields['openPeriod']),
    potAtomic: integerField(fields['pot']),
    isPaid: flagField(fields['isPaid']),
    nodes: listField(fields['nodes']).map((value) => {
      const node = objectField(value)
      return { ...decodeNode(node), since: countField(node['since']) }
    }),
    liquidated: listField(fields['liquidated']).map(uint64Field),
    pending: listField(fields['pending']).map((value) => {
      const [period, address, amount] = listField(value)
      return { period: countField(period), address: addressField(address), amountAtomic: integerField(amount) }
    }),
    totals: listField(fields['totals']).map((value) => {
      const [address, total] = listField(value)
      return [addressField(address), integerField(total)] as const
    }),
  }
}

/** Contributors are one text each: files with fewer values are read faster. */
function encodeNode({ id, bls, feeBasisPoints, contributors }: LedgerNode): JsonObject {
  const stakes = contributors.map(({ owner, beneficiary, stakedAtomic }) => `${owner} ${beneficiary} ${stakedAtomic}`)
  return { id: id.toString(), bls, fee: feeBasisPoints, contributors: stakes }
}

function decodeNode(fields: JsonObject): LedgerNode {
  return {
    id: uint64Field(fields['id']),
    bls: textField(fields['bls'], BLS),
    feeBasisPoints: countField(fields['fee']),
    contributors: listField(fields['contributors']).map(decodeContributor),
  }
}

function decodeContributor(value: JsonValue): LedgerContributor {
  const [owner, beneficiary, staked] = textField(value, /^\S+ \S+ \S+$/).split(' ')
  return { owner: addressField(owner), beneficiary: addressField(beneficiary), stakedAtomic: integerField(staked) }
}

function encodeEvent(event: LedgerEvent): JsonObject {
  const { kind, period } = event
  switch (event.kind) {
    case 'registered':
      return { kind, period, node: encodeNode(event.node) }
    case 'liquidated':
      return { kind, period, id: event.id.toString() }
    case 'exited':
      return { kind, period, id: event.id.toString(), returned: event.returnedAtomic.toString() }
    case 'released':
      return { kind, period, amount: event.amountAtomic.toString() }
    case 'redirected':
      return { kind, period, paysContract: event.paysContract }
  }
}

function decodeEvent(value: JsonValue): LedgerEvent {
  const fields = objectField(value)
  const period = countField(fields['period'])
  switch (fields['kind']) {
    case 'registered':
      return { kind: 'registered', period, node: decodeNode(objectField(fields['node'])) }
    case 'liquidated':
      return { kind: 'liquidated', period, id: uint64Field(fields['id']) }
    case 'exited':
      return { kind: 'exited', period, id: uint64Field(fields['id']), returnedAtomic: integerField(fields['returned']) }
    case 'released':
      return { kind: 'released', period, amountAtomic: integerField(fields['amount']) }
    case 'redirected':
      return { kind: 'redirected', period, paysContract: flagField(fields['paysContract']) }
    default:
      throw damagedState()
  }
}

function addressField(value: JsonValue | undefined): Hex {
  return textField(value, ADDRESS) as Hex
}
