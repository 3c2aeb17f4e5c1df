import { StakingError } from './errors.ts'

// Strict readers of what JSON-RPC providers answer (Ethereum JSON-RPC: "Quantities" and "Unformatted data"). They take any value
// and throw nothing but StakingError PROVIDER_REPLY_MALFORMED.

export type Hex = `0x${string}`

/** A block as far as we look at it. */
export interface ChainBlock {
  readonly number: bigint
  /** 0x and 64 lower-case hex digits. */
  readonly hash: Hex
  readonly parentHash: Hex
  readonly timestampS: bigint
}

export function parseQuantity(value: unknown, what: string): bigint {
  // 32 bytes are the longest integer of the chain.
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) throw malformed(what)
  return BigInt(value)
}

export function parseHash(value: unknown, what: string): Hex {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(value)) throw malformed(what)
  return value.toLowerCase() as Hex
}

export function parseData(value: unknown, what: string): Hex {
  if (typeof value !== 'string' || value.length % 2 !== 0 || !/^0x[0-9a-fA-F]*$/.test(value)) throw malformed(what)
  return value.toLowerCase() as Hex
}

/** Null, as for a block that does not exist, is undefined. */
export function parseBlock(value: unknown): ChainBlock | undefined {
  if (value === null) return undefined
  if (typeof value !== 'object') throw malformed('a block')
  const fields = value as Readonly<Record<string, unknown>>
  const timestampS = parseQuantity(fields['timestamp'], "a block's timestamp")
  const number = parseQuantity(fields['number'], "a block's number")
  if (timestampS >= U64 || number >= U64) throw malformed('a block')
  return {
    number,
    hash: parseHash(fields['hash'], "a block's hash"),
    parentHash: parseHash(fields['parentHash'], "a block's parent"),
    timestampS,
  }
}

/** A log as the chain holds it, in a form that does not depend on who tells of it. */
export interface ChainLog {
  /** 0x and 40 lower-case hex digits. */
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Hex
  readonly blockNumber: bigint
  readonly blockHash: Hex
  /** Place in the block. */
  readonly logIndex: bigint
}

/** The logs of an eth_getLogs answer, after a check that they are in the order of the chain and of the range that was asked for. */
export function parseLogs(value: unknown, range: { from: bigint; to: bigint }): readonly ChainLog[] {
  if (!Array.isArray(value)) throw malformed('logs')
  const logs = (value as readonly unknown[]).map(parseLog)
  logs.forEach((log, index) => {
    const before = logs[index - 1]
    if (log.blockNumber < range.from || log.blockNumber > range.to) throw malformed('a log of another block range')
    if (before !== undefined && !isBefore(before, log)) throw malformed('logs out of order')
  })
  return logs
}

function parseLog(value: unknown): ChainLog {
  if (typeof value !== 'object' || value === null) throw malformed('a log')
  const fields = value as Readonly<Record<string, unknown>>
  const { address, topics, removed } = fields
  if (removed === true) throw malformed('a log that was removed')
  if (typeof address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(address)) throw malformed("a log's address")
  if (!Array.isArray(topics) || topics.length > TOPICS_MAX) throw malformed("a log's topics")
  return {
    address: address.toLowerCase() as Hex,
    topics: (topics as readonly unknown[]).map((topic) => parseHash(topic, "a log's topic")),
    data: parseData(fields['data'], "a log's data"),
    blockNumber: parseQuantity(fields['blockNumber'], "a log's block number"),
    blockHash: parseHash(fields['blockHash'], "a log's block"),
    logIndex: parseQuantity(fields['logIndex'], "a log's place"),
  }
}

function isBefore(a: ChainLog, b: ChainLog): boolean {
  return a.blockNumber < b.blockNumber || (a.blockNumber === b.blockNumber && a.logIndex < b.logIndex)
}

/** The virtual machine has instructions for no more. */
const TOPICS_MAX = 4

export function malformed(what: string, cause?: unknown): StakingError {
  return new StakingError('PROVIDER_REPLY_MALFORMED', `The provider's answer has no valid form: ${what}`, { cause })
}

const U64 = 1n << 64n
