import { type DurationMs, SECOND } from '../base/clock.ts'
import type { Rate } from '../base/rate-limiter.ts'
import { REQUEST_MAX_BYTES } from '../protocol/limits.ts'
import { defaultMonitorOptions, type MonitorOptions } from './monitor/options.ts'

/**
 * What is done with an account. What its owner signs and what anybody may do are counted apart, or anybody could use up what the
 * owner has.
 */
export type AccountUse = 'reads' | 'writes' | 'openReads' | 'openWrites'

/** Both in PEM. */
export interface CertificateFiles {
  /** The certificate, then those that lead to its authority. */
  readonly certificateFile: string
  /** The private key, without a passphrase. */
  readonly keyFile: string
}

export interface RpcOptions {
  /** Address that the HTTPS server listens on. */
  readonly httpsHost: string
  /** Port that the HTTPS server listens on; 0 takes a free one. */
  readonly httpsPort: number
  /** Folder of the HTTPS certificate and its key. Both are made at the first start, unless `certificateFiles` are given. */
  readonly certificateFolder: string
  /** The operator's own certificate, for clients that verify it: browsers. */
  readonly certificateFiles: CertificateFiles | undefined
  /** How often these files are looked at. Renewals come days before the end, so a minute is soon enough. */
  readonly certificateLookIntervalMs: DurationMs

  /** Bytes of one request's body, counted as they are received. */
  readonly requestMaxBytes: number
  /** Bytes of all bodies received or being received together; beyond them the slowest are answered 503. */
  readonly bodiesMaxBytes: number
  /** Bytes of answers that clients have not taken yet; beyond them the slowest clients' connections are closed. */
  readonly answersMaxBytes: number
  /** Bytes of messages that retrieves may be reading at once; beyond them a retrieve waits. */
  readonly readingMaxBytes: number
  /** Bytes of messages read for requests that are still under way; beyond them a retrieve is answered 503. */
  readonly retrievedMaxBytes: number
  /** Requests under way together; beyond them a request of an address that has several is answered 503. */
  readonly requestsMax: number
  /** So many of its requests get in all the same: or those who are slow could keep everybody out. */
  readonly requestsFairPerAddress: number
  /** Of these, requests of one address; beyond them a request is answered 429. Onion requests may be under way for long. */
  readonly requestsPerAddressMax: number
  /** Connections together; beyond them a new one is closed. */
  readonly connectionsMax: number
  /** Connections from one address (an IPv6 /64 counts as one). */
  readonly connectionsPerAddressMax: number
  /** Connections that one address may open at once: each costs a handshake, as much as several requests. */
  readonly connectionBurst: number
  /** Connections per second that one address may open in the long run. */
  readonly connectionsPerSecond: number
  /** Bytes of a request's headers. */
  readonly headersMaxBytes: number
  /** Headers of one request. */
  readonly headersMax: number

  /** Time for the TLS handshake. */
  readonly handshakeTimeoutMs: DurationMs
  /** Time from the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: DurationMs
  /** A body must bring `bodyWindowMinBytes` in each window of this length. */
  readonly bodyWindowMs: DurationMs
  /** See `bodyWindowMs`. */
  readonly bodyWindowMinBytes: number
  /** Time for a whole request, however steadily it comes. */
  readonly requestTimeoutMs: DurationMs
  /** A connection without traffic is closed after this. Longer than an onion request may take. */
  readonly idleTimeoutMs: DurationMs
  /** A connection without a request is closed after this. */
  readonly keepAliveMs: DurationMs
  /** Time that requests under way have to finish when the server stops. */
  readonly drainMs: DurationMs
  /** Time that they have to end once they were told to stop. */
  readonly abortMs: DurationMs

  /** Requests that one address may make at once. */
  readonly rateBurst: number
  /** Requests per second that one address may make in the long run. */
  readonly ratePerSecond: number
  /** An answer costs its address one request more for each so many bytes. */
  readonly rateAnswerBytes: number
  /** Answers that are not counted above, at once to one address: to pings, and refusals. Beyond them its connections are closed. */
  readonly freeBurst: number
  /** The same per second in the long run. */
  readonly freePerSecond: number
  /** Addresses whose rate is remembered; when all of them are active, a newcomer is refused. */
  readonly rateAddressesMax: number

  /**
   * Requests that this node takes for one account, from whomever and whichever way, by what they do. Those inside a batch count each.
   * `open` are those that need no signature.
   */
  readonly accountRates: Readonly<Record<AccountUse, Rate>>
  /** Of these, signed requests of one subaccount: a member of a group is one. */
  readonly subaccountRates: Readonly<Record<'reads' | 'writes', Rate>>
  /** Accounts whose rates are remembered, for each of these rates; beyond it the one that was used the longest ago is forgotten. */
  readonly accountsMax: number
  /** Requests that one other member of our swarms may pass on to us. */
  readonly memberRate: Rate
  /** Of these, stores into one account that need no signature: what the member itself would take of clients, and as much again. */
  readonly memberOpenWriteRate: Rate
  /** Pairs of a member and an account whose stores are remembered; beyond it the one that was used the longest ago is forgotten. */
  readonly memberAccountsMax: number

  /** Of subscriptions to new messages. */
  readonly monitor: MonitorOptions

  /** Ed25519 keys, of accounts that poll and of service nodes, whose X25519 image is remembered. */
  readonly conversionsMax: number
  /** Time between an exit request and the unlocking of the stake, for the estimate in the service node list. */
  readonly unlockAfterMs: DurationMs
  /** Time between blocks of the chain, for the same estimate. */
  readonly blockTimeMs: DurationMs
}

export const defaultRpcOptions: RpcOptions = {
  httpsHost: '0.0.0.0',
  httpsPort: 22021,
  certificateFolder: 'data/https',
  certificateFiles: undefined,
  certificateLookIntervalMs: 60 * SECOND,
  requestMaxBytes: REQUEST_MAX_BYTES,
  bodiesMaxBytes: 64 * 1024 * 1024,
  answersMaxBytes: 64 * 1024 * 1024,
  readingMaxBytes: 32 * 1024 * 1024,
  retrievedMaxBytes: 64 * 1024 * 1024,
  requestsMax: 2_000,
  // A client's usual handful.
  requestsFairPerAddress: 4,
  requestsPerAddressMax: 400,
  connectionsMax: 4_000,
  connectionsPerAddressMax: 200,
  connectionBurst: 600,
  connectionsPerSecond: 100,
  headersMaxBytes: 8 * 1024,
  headersMax: 64,
  // As long as clients wait: during a flood a handshake takes seconds, and who does not mean it gives its place to newcomers.
  handshakeTimeoutMs: 10 * SECOND,
  headersTimeoutMs: 5 * SECOND,
  bodyWindowMs: 15 * SECOND,
  bodyWindowMinBytes: 15 * 1024,
  requestTimeoutMs: 300 * SECOND,
  idleTimeoutMs: 40 * SECOND,
  keepAliveMs: 5 * SECOND,
  drainMs: 8 * SECOND,
  abortMs: SECOND,
  rateBurst: 600,
  ratePerSecond: 300,
  rateAnswerBytes: 64 * 1024,
  // They cost as much as a small request does, so there are no more of them.
  freeBurst: 600,
  freePerSecond: 300,
  rateAddressesMax: 10_000,
  // A device polls each 5 s with 5 to 7 requests, one of them a write (an `expire`). Two of a swarm's members are asked, so of a group of
  // 100 people with 150 devices a node of a swarm of five sees 60 reads and 12 writes a second; and in the worst case all of them at
  // once, when their network comes back. Twice that, and what restores a device: a mailbox of 128 MiB in answers of 1.5 MB.
  // Into an inbox many write, but each of them by hand: 20 a second are more than anybody reads.
  accountRates: {
    reads: { burst: 1_500, perSecond: 150 },
    writes: { burst: 600, perSecond: 60 },
    openReads: { burst: 600, perSecond: 60 },
    openWrites: { burst: 300, perSecond: 20 },
  },
  // One person's devices: ten of them, each with two polls at once.
  subaccountRates: { reads: { burst: 300, perSecond: 20 }, writes: { burst: 150, perSecond: 5 } },
  // As many accounts as poll a node that answers 4,000 times a second; 3 MB for each of the six rates when full.
  accountsMax: 20_000,
  // A node writes some 2,000 times a second: one that lies takes a quarter, and seven that do not have room.
  memberRate: { burst: 2_000, perSecond: 500 },
  memberOpenWriteRate: { burst: 600, perSecond: 40 },
  memberAccountsMax: 20_000,
  monitor: defaultMonitorOptions,
  conversionsMax: 20_000,
  unlockAfterMs: 15 * 24 * 3600 * SECOND,
  blockTimeMs: 250,
}
