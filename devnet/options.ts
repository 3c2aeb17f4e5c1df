import { SECOND } from '../src/base/clock.ts'

/** Where a node lives, when that is not an address of loopback. */
export interface NodeHome {
  readonly ip: string
  /** HTTPS, libp2p and metrics: free there. */
  readonly ports: readonly [number, number, number]
  /** What its program is started with, such as `ip netns exec NAME`. */
  readonly command: readonly string[]
}

export interface DevnetOptions {
  /** How many service nodes. */
  nodes: number
  /** Folder for chain facts, keys, messages and logs. */
  folder: string
  /** All nodes in this process instead of one process each. */
  inProcess: boolean
  /** Length of an epoch. Short, so that joining and leaving can be watched. */
  epochLengthS: number
  /** Fewest swarms. Where nodes stand is up to chance and their stakes, so they may have to register a few times. */
  swarmsMin: number
  /** Operators beyond the nodes that may be created later, each with an account on the chain. */
  spareOperators: number
  /** Unix seconds of the chain's first block; now when left out. A chain that begins in the past can travel to the present. */
  genesisTimestampS?: number
  /** Where each node lives; an address of loopback of its own when left out. */
  homeOf?: (index: number) => NodeHome
  /** Where the chain listens; 127.0.0.1 when left out. */
  chainAddress?: string
  /** What the nodes log. */
  logLevel: string
  /** What else stands in every node's configuration file. */
  settings: Readonly<Record<string, unknown>>
}

/** Nodes take 127.0.1.1, 127.0.2.1, …: one /24 each. */
export const NODES_MAX = 250
/** A path has three hops, and needs as many to choose from again. The destination lies outside of it. */
export const NODES_MIN = 7

export const defaultDevnetOptions: Omit<DevnetOptions, 'folder'> = {
  nodes: 16,
  inProcess: false,
  epochLengthS: 4,
  swarmsMin: 1,
  spareOperators: 4,
  logLevel: 'info',
  settings: {},
}

/** A node may take this long to serve: on a busy machine, many start at once. */
export const READY_TIMEOUT_MS = 120 * SECOND
