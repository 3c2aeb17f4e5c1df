import { DAY, MINUTE, SECOND } from '../base/clock.ts'
import { isPublicInbox, type Namespace } from './namespace.ts'

// Every bound of the client protocol, with its reason. docs/protocol/limits.md lists them for client authors.

/** Longest `data` of a message; what Session's clients are built for. */
export const MESSAGE_DATA_MAX_BYTES = 76_800
/** Longest base64 text of `data`, checked before it is decoded. */
export const MESSAGE_DATA_MAX_CHARS = 102_400

/** A shorter life is of no use to a recipient that polls every five seconds. */
export const TTL_MIN_MS = 10 * SECOND
/** Anyone may write to a public inbox, so what lies there goes sooner. */
export const TTL_MAX_PUBLIC_INBOX_MS = 14 * DAY
export const TTL_MAX_MS = 30 * DAY

export function ttlMaxMs(namespace: Namespace): number {
  return isPublicInbox(namespace) ? TTL_MAX_PUBLIC_INBOX_MS : TTL_MAX_MS
}

/** How far ahead of ours a client's clock may be when it stores, and how long past an expiry may be. */
export const STORE_CLOCK_TOLERANCE_MS = 10 * SECOND
/** A signed timestamp counts this long before and after our clock. */
export const SIGNATURE_WINDOW_MS = MINUTE
/** A forwarded request has travelled already, so its window is a little wider. */
export const SIGNATURE_WINDOW_FORWARDED_MS = 70 * SECOND

/** Bytes that one retrieve may return, as clients count them: 100 + hash + 4/3 of the data for each message. */
export const RETRIEVE_SIZE_MAX = 7_800_000
/** `max_size` of a retrieve that names none: a fifth of the whole. */
export const RETRIEVE_SIZE_DEFAULT_SHARE = 5

/** Requests in one batch or sequence. */
export const SUBREQUESTS_MAX = 20
/** Of these, requests for the service node list: it is long, and a batch of twenty would hold up everybody else. */
export const CHAIN_SUBREQUESTS_MAX = 3
/** Hashes in one delete, expire or get_expiries: far above what clients send, low enough to answer at once. */
export const HASHES_MAX = 1_000

/** Revoked subaccounts of an account: the newest are kept. One request revokes no more. What existing clients count on. */
export const REVOCATIONS_MAX = 50

/** HTTP body: Session's file uploads (10 MB) through three layers fit. Counted on received bytes. */
export const REQUEST_MAX_BYTES = 10 * 1024 * 1024
/**
 * A request that is passed on to the other members. Twice the largest that makes sense (a message, or a thousand hashes with their
 * expiries): one client's megabytes must not become each member's.
 */
export const FORWARDED_REQUEST_MAX_BYTES = 256 * 1024
/** Levels of nesting in a client's JSON. */
export const JSON_DEPTH_MAX = 16
/**
 * Values in a client's JSON, all levels together: a batch of the largest deletes has 20,100. Millions of them fit a body, and
 * would keep the process busy for seconds.
 */
export const JSON_VALUES_MAX = 50_000
/** Values in a member's answer: the hashes of all messages of an account, several times what one has by default. */
export const FORWARDED_ANSWER_VALUES_MAX = 200_000
/** Values in an answer that we asked for: the hashes of all messages of a full account, or all service nodes. */
export const JSON_ANSWER_VALUES_MAX = 1_000_000

/** Namespaces of one account on one connection that may be watched: ten times what clients use. */
export const MONITOR_NAMESPACES_MAX = 100
/** Subscriptions in one frame, each with an answer: about as many as fit. Thirty thousand empty ones would fit, too. */
export const MONITOR_LIST_MAX = 256

/** Levels of nesting in bencode that we read: what clients send has three. */
export const BENCODE_DEPTH_MAX = 16
/** Values in bencode that we read, all levels together: far above what a list of subscriptions has, for the reason that JSON's are counted. */
export const BENCODE_VALUES_MAX = 50_000

/** Hops of an onion request; clients use 3 and a destination, the rest is room for other path lengths. */
export const ONION_HOPS_MAX = 15

/**
 * How far a stamp may be ahead of our clock. Nodes go past each stamp that they accept, so one wrong clock would take all with it;
 * honest nodes with working clocks differ by less.
 */
export const OPERATION_AHEAD_MAX_MS = 2 * MINUTE
/**
 * How old an operation may be when it arrives. Members remember for that long what came meanwhile, so that it finds its place
 * among the others: as long as any message may live that it could concern.
 */
export const OPERATION_LATENESS_MAX_MS = TTL_MAX_MS

/** How long a member may take to answer a forwarded request before the client is told `timeout`. */
export const FORWARD_TIMEOUT_MS = 5 * SECOND
/** How long one hop waits for the next. Each hop waits a little less than the one before it. */
export const ONION_HOP_TIMEOUT_MS = 30 * SECOND
