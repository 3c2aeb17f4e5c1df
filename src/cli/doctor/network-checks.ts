import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { DAY } from '../../base/clock.ts'
import { counted, duration } from '../../base/figures.ts'
import { quoted } from '../../node/secret-file.ts'
import type { SectionFacts } from '../../node/status.ts'
import { EXIT } from '../exit-codes.ts'
import { type Finding, fail, ok, skipped, warn } from '../finding.ts'
import { type DoctorCheck, type DoctorContext, fromPreflight, ofSection } from './check.ts'
import { RESTART } from './remedies.ts'

// What others see of this node, and it of them.

const OPEN_PORT = 'Open it in the firewall, forward it to this machine, and check publicIp'
const CERTIFICATE_SOON_MS = 14 * DAY

export const NETWORK_CHECKS: readonly DoctorCheck[] = [
  fromPreflight({
    id: 'public-ip',
    title: 'Public address',
    meaning: 'publicIp is an address that others can reach',
    exitCode: EXIT.usage,
  }),
  {
    id: 'https-reached',
    title: 'Port for clients, seen from outside',
    meaning: "Most members that test it reach the node's port for clients",
    exitCode: EXIT.unavailable,
    run: ofSection('nodeTests', (facts) => standing(facts, 'https')),
  },
  {
    id: 'libp2p-reached',
    title: 'Port for nodes, seen from outside',
    meaning: "Most members that test it reach the node's port for service nodes",
    exitCode: EXIT.unavailable,
    run: ofSection('nodeTests', (facts) => standing(facts, 'libp2p')),
  },
  fromPreflight({
    id: 'port-clients',
    title: 'Port for clients',
    meaning: "The port for clients is the node's, or free while it does not run",
    exitCode: EXIT.unavailable,
  }),
  fromPreflight({
    id: 'port-nodes',
    title: 'Port for nodes',
    meaning: "The port for service nodes is the node's, or free while it does not run",
    exitCode: EXIT.unavailable,
  }),
  {
    id: 'https-listening',
    title: 'HTTPS server',
    meaning: 'Something listens at the port for clients on this machine',
    exitCode: EXIT.unavailable,
    run: ofSection('node', async ({ httpsPort }, context) => {
      const isThere = await context.machine.isListening(localHost(context), httpsPort, context.signal)
      return isThere ? ok(`at ${httpsPort}`) : fail(`nothing listens at ${httpsPort}`, RESTART)
    }),
  },
  {
    id: 'libp2p-listening',
    title: 'libp2p server',
    meaning: 'Something listens at the port for service nodes on this machine',
    exitCode: EXIT.unavailable,
    run: ofSection('network', async ({ listening }, { machine, signal }) => {
      const place = listening.map(tcpPlaceOf).find((found) => found !== undefined)
      if (place === undefined) return fail('the node listens nowhere', RESTART)
      const isThere = await machine.isListening(place.host, place.port, signal)
      return isThere ? ok(`at ${place.port}`) : fail(`nothing listens at ${place.host} port ${place.port}`, RESTART)
    }),
  },
  {
    id: 'certificate',
    title: 'Certificate',
    meaning: 'The certificate that clients are shown is valid for two weeks more',
    exitCode: EXIT.failure,
    run: ofSection('node', async ({ httpsPort }, context) => {
      const endMs = await context.machine.certificateEndMs(localHost(context), httpsPort, context.signal)
      if (endMs === undefined) return fail('none is shown', RESTART)
      const leftMs = endMs - context.nowMs
      const remedy = certificateRemedy(context)
      if (leftMs <= 0) return fail(`it ended ${duration(-leftMs)} ago`, remedy)
      return leftMs < CERTIFICATE_SOON_MS
        ? warn(`it ends in ${duration(leftMs)}`, remedy)
        : ok(`valid for ${duration(leftMs)}`)
    }),
  },
  {
    id: 'own-record',
    title: 'Own record',
    meaning: 'The node has announced where it is',
    exitCode: EXIT.failure,
    run: ofSection('network', ({ ownRecord }, { node, nowMs }) => {
      const isListed = node?.sections.stake.state === 'known' && node.sections.stake.facts.isListed
      if (!isListed) return skipped('the node is not in the service node list')
      if (ownRecord === null)
        return fail(
          'there is none, so nobody finds the node',
          'Look for it in the log: journalctl -u starling | grep record, or docker logs of the container',
        )
      return ok(`signed ${duration(nowMs - ownRecord.signedAtMs)} ago`)
    }),
  },
  {
    id: 'same-key',
    title: 'Key used once',
    meaning:
      'The newest record of this key names this node: no second one runs with it, and it has no other address or port than is configured',
    exitCode: EXIT.failure,
    run: ofSection('network', ({ ownRecord }, { node }) => {
      if (ownRecord === null || node?.sections.node.state !== 'known') return skipped('the node has no record')
      const { publicIp, httpsPort } = node.sections.node.facts
      if (ownRecord.ip === publicIp && ownRecord.httpsPort === httpsPort) return ok(`${publicIp} and port ${httpsPort}`)
      const seen = `the record names ${ownRecord.ip} and port ${ownRecord.httpsPort}, this node is ${publicIp} and ${httpsPort}`
      return fail(seen, 'Stop the other node that has these keys: two with one key lose messages')
    }),
  },
  {
    id: 'members-known',
    title: 'Members',
    meaning: 'It is known of more than half of the members where they are',
    exitCode: EXIT.unavailable,
    run: ofSection('network', ({ records, missing }) => {
      const seen = `${records} of ${records + missing} known`
      if (records + missing <= 1) return skipped('there is no other member')
      const remedy = 'Check network.bootstrap, and whether connections out of this machine are allowed'
      if (records <= 1) return fail(seen, remedy)
      return missing > records ? warn(seen, remedy) : ok(seen)
    }),
  },
  {
    id: 'members-reached',
    title: 'Way to members',
    meaning: 'This node reaches most of the members that it tests',
    exitCode: EXIT.unavailable,
    run: ofSection('nodeTests', ({ isInDoubt, failing }) => {
      const seen = `${counted(Math.max(failing.https, failing.libp2p), 'member')} not reached`
      if (!isInDoubt) return ok(seen)
      return fail(
        `more than half of those that were tested are not reached; ${seen}`,
        'Check the network of this machine, and whether connections out of it are allowed',
      )
    }),
  },
  {
    id: 'ipv6',
    title: 'IPv6',
    meaning: 'Clients without IPv6 reach the node, and where publicIp is of IPv6, it listens there',
    exitCode: EXIT.failure,
    run({ configuration: { options }, machine }) {
      if (options === undefined) return skipped('the configuration has problems')
      const { publicIp, rpc } = options.node
      const hasIpv6 = machine
        .addresses()
        .some(({ address, isLoopback }) => !isLoopback && isIPv6(address) && !address.startsWith('fe80'))
      if (!isIPv6(publicIp))
        return ok(`the node is reached by IPv4; this machine has ${hasIpv6 ? 'IPv6 too' : 'no IPv6'}`)
      if (!isIPv6(rpc.httpsHost))
        return fail(`publicIp is ${publicIp}, but HTTPS listens at ${rpc.httpsHost}`, "Set rpc.listenAddress to '::'")
      return warn(
        'publicIp is of IPv6: clients and members without IPv6 do not reach the node',
        'Give publicIp an IPv4 address if there is one',
      )
    },
  },
  {
    id: 'metrics-address',
    title: 'Metrics',
    meaning: 'Metrics and the status page are for this machine alone: they tell about traffic',
    exitCode: EXIT.failure,
    async run({ configuration: { options }, machine }) {
      if (options === undefined) return skipped('the configuration has problems')
      const { address, port } = options.node.metrics
      if (address.startsWith('127.') || address === '::1' || address === 'localhost')
        return ok(`at ${address} port ${port}`)
      if (await machine.isContainer()) return skipped('in a container, whoever started it says who gets to its ports')
      return warn(
        `served at ${address} port ${port}`,
        'Set metrics.address to 127.0.0.1, or let the firewall admit your monitor only',
      )
    },
  },
]

/** One tester may be wrong. */
const TESTERS_MIN = 2

function standing({ standings }: SectionFacts['nodeTests'], test: 'https' | 'libp2p'): Finding {
  const { testers, failing } = standings[test]
  if (testers === 0) return skipped('no member has told yet; they do within minutes of a start, of members only')
  const seen = `${testers - failing} of ${counted(testers, 'tester')} reach it`
  if (testers >= TESTERS_MIN && failing * 2 > testers) return fail(seen, OPEN_PORT)
  return failing > 0 ? warn(seen, OPEN_PORT) : ok(seen)
}

/** Where the server can be reached from this machine. */
function localHost({ configuration: { options } }: DoctorContext): string {
  const host = options?.node.rpc.httpsHost ?? '0.0.0.0'
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function tcpPlaceOf(multiaddr: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(multiaddr) ?? []
  return host === undefined ? undefined : { host, port: Number(port) }
}

/** One that an authority signed is renewed there; the node's own is made when there is none. */
function certificateRemedy({ configuration: { options }, place: { dataFolder } }: DoctorContext): string {
  const isGiven = options?.node.rpc.certificateFiles !== undefined
  if (isGiven) return 'Renew it where it comes from (certbot renew, say); the node takes the new file by itself'
  return `It is the node's own: rm -r ${quoted(join(dataFolder, 'https'))}, then restart the node, which makes a new one`
}
