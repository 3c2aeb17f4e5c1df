import type { TimestampMs } from '../../base/clock.ts'
import { duration, shortKey } from '../../base/figures.ts'
import { PEERS_MAX, type PeerFacts } from '../../node/status-peers.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { OptionsError } from '../options/check.ts'
import { configurationNotes, nodeAt, nodePlaceOf } from './node-place.ts'
import type { PeersArgs } from './options.ts'

/** The other service nodes that the running node knows. */
export async function showPeers(args: PeersArgs): Promise<CommandOutcome> {
  if (!Number.isInteger(args.count) || args.count < 1 || args.count > PEERS_MAX) {
    throw new OptionsError('OPTION_INVALID', `--count must be a whole number from 1 to ${PEERS_MAX}`)
  }
  const place = nodePlaceOf(args)
  const told = await nodeAt(place).peers(args.count, new AbortController().signal)
  const others = told.members === 0 ? 0 : told.members - 1
  const shown = told.peers.length
  const rest = shown < others ? [`${shown} of ${others}; more with --count`] : []
  return {
    result: { ...told },
    lines: [...peerLines(told.peers, told.takenAtMs), ...rest, ...configurationNotes(place)],
  }
}

const HEADINGS = ['swarm', 'node', 'place', 'version', 'reached', 'latency', 'seen', 'https libp2p storage']

/** A table, as wide as it must be. */
export function peerLines(peers: readonly PeerFacts[], nowMs: TimestampMs): readonly string[] {
  if (peers.length === 0) return ['No other service node is known.']
  const cells = [HEADINGS, ...peers.map((peer) => cellsOf(peer, nowMs))]
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)))
  return cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function cellsOf({ key, place, tests, ...peer }: PeerFacts, nowMs: TimestampMs): readonly string[] {
  return [
    peer.isSwarmMember ? 'own' : '',
    shortKey(key),
    place === null ? 'unknown' : `${place.ip.includes(':') ? `[${place.ip}]` : place.ip}:${place.httpsPort}`,
    place?.starling ?? '',
    peer.isReachable ? (peer.isConnected ? 'connected' : 'yes') : 'NO',
    peer.latencyMs === null ? '' : `${Math.round(peer.latencyMs)} ms`,
    peer.lastSeenMs === null ? 'never' : `${duration(nowMs - peer.lastSeenMs)} ago`,
    [tests.https, tests.libp2p, tests.storage].join(' '),
  ]
}
