import { type DurationMs, MINUTE, SECOND } from '../../base/clock.ts'

export interface MonitorOptions {
  /** WebSocket connections together; beyond them a handshake is answered 503. They count as connections, too. */
  readonly connectionsMax: number
  /** Of these, connections from one address (an IPv6 /64 counts as one); beyond them a handshake is answered 429. */
  readonly connectionsPerAddressMax: number
  /** Subscriptions together: each takes about 700 bytes. */
  readonly subscriptionsMax: number
  /** Of these, subscriptions from one address. */
  readonly subscriptionsPerAddressMax: number
  /** Subscriptions of one connection: a push server asks for many accounts on one. */
  readonly subscriptionsPerConnectionMax: number
  /** Subscriptions to one account: each costs a frame whenever a message arrives. */
  readonly subscriptionsPerAccountMax: number
  /** Life of a subscription from its last renewal. */
  readonly leaseMs: DurationMs
  /** Bytes of one frame from a client, which may renew some two hundred subscriptions. */
  readonly frameMaxBytes: number
  /** Bytes that one client may leave untaken before its connection is closed: the answer to the longest list, when all of it has moved. */
  readonly outgoingPerConnectionMaxBytes: number
  /** Bytes that all clients leave untaken together; beyond them the connections of the slowest are closed. */
  readonly outgoingMaxBytes: number
  /** Bytes of messages that wait to be told of. When there are more, connections that would miss one are closed. */
  readonly queueMaxBytes: number
  /** Time between two pings. A client that has not answered one when the next is due is gone. */
  readonly heartbeatMs: DurationMs
  /** Heartbeats after which a connection without a subscription is closed. */
  readonly emptyHeartbeatsMax: number

  /** Requests that wait for a message together; beyond them one is answered at once. */
  readonly waitsMax: number
  /** Of these, requests for one account. */
  readonly waitsPerAccountMax: number
  /** Of these, requests from one address; those that come through onions have none that is known. */
  readonly waitsPerAddressMax: number
  /** How long a request waits for a message. */
  readonly waitMs: DurationMs
}

export const defaultMonitorOptions: MonitorOptions = {
  // A quarter of all connections, so that those who stay leave room for those who come and go.
  connectionsMax: 1_000,
  // As many people as share an address behind a provider's gateway, of the few that any one node serves.
  connectionsPerAddressMax: 50,
  subscriptionsMax: 100_000,
  subscriptionsPerAddressMax: 20_000,
  subscriptionsPerConnectionMax: 10_000,
  // The members of a large group, each with three devices.
  subscriptionsPerAccountMax: 300,
  // What Session's nodes grant: clients renew every quarter of an hour, so that they may miss three renewals.
  leaseMs: 65 * MINUTE,
  frameMaxBytes: 64 * 1024,
  // 256 times a swarm of 21, the largest.
  outgoingPerConnectionMaxBytes: 2_560 * 1024,
  outgoingMaxBytes: 64 * 1024 * 1024,
  queueMaxBytes: 16 * 1024 * 1024,
  // Gateways forget a silent connection after a minute or more.
  heartbeatMs: 30 * SECOND,
  emptyHeartbeatsMax: 2,

  // Each takes a place on three relays for its whole time, and they cannot tell it from a short request. With one path for each and
  // paths spread evenly, 400 from every node fill 1,600 of the 4,000 places that a relay has by default.
  waitsMax: 400,
  // The members of a group. Accounts cost nothing, so a lower bound would keep nobody from taking all places.
  waitsPerAccountMax: 100,
  // As many people as share an address, a wait for each of their devices; four addresses and more are needed to take all places.
  waitsPerAddressMax: 100,
  // The third hop of a path waits 27 seconds for its destination; what is left is for slow networks.
  waitMs: 20 * SECOND,
}
