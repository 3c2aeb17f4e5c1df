import { fromBase64 } from '../../src/base/bytes.ts'
import { MINUTE } from '../../src/base/clock.ts'
import { swarmIdFor } from '../../src/protocol/swarm-assignment.ts'
import knownSpaces from '../../test/vectors/swarm-space.json' with { type: 'json' }
import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import { at } from '../context.ts'
import {
  ExpectationFailed,
  expectEqual,
  expectInteger,
  expectKeys,
  expectList,
  expectMatch,
  expectObject,
  expectOk,
  expectRefusal,
  expectText,
  expectWithin,
} from '../expectations.ts'
import type { MethodForm } from '../method-form.ts'
import { swarmTextOf } from '../network-view.ts'
import { LIST_FIELDS } from '../requests.ts'
import { x25519ImageOf } from '../signing-key.ts'
import { expectStamp } from '../swarm-results.ts'
import { createTestAccount } from '../test-account.ts'
import { formCases } from './form.ts'

// get_swarm, info, oxend_request and active_nodes_bin: what a node says of the network.

const getSwarmForm: MethodForm = {
  method: 'get_swarm',
  fields: { pubkey: 'string' },
  required: ['pubkey'],
  inSwarm: false,
  accountRefusal: 'Pubkey must be 66 hex digits/33 bytes long',
  params: (signer) => ({ pubkey: signer.account }),
}

const writeGetSwarm = casesOf('get_swarm')
const HEX_KEY = /^[0-9a-f]{64}$/
const SWARM_ID = /^(0|[1-9a-f][0-9a-f]{0,15})$/

export const getSwarmCases: readonly ConformanceCase[] = [
  ...formCases(getSwarmForm),
  writeGetSwarm.success(
    'gives the members of an account’s swarm, with all that clients read of them',
    async (context) => {
      const body = expectOk(await context.ask('get_swarm', { pubkey: context.account().account }))
      expectStamp(context, body)
      expectKeys('body', body, ['snodes', 'swarm', 't', 'hf'])
      expectEqual('swarm', expectMatch('swarm', body['swarm'], SWARM_ID), context.node.swarm)
      const snodes = expectList('snodes', body['snodes']).map((snode) => expectObject('snode', snode))
      const fields = [
        'address',
        'pubkey_legacy',
        'pubkey_ed25519',
        'pubkey_x25519',
        'ip',
        'port',
        'port_https',
        'port_omq',
        'port_quic',
      ]
      for (const snode of snodes) {
        expectKeys('snode', snode, fields)
        for (const key of ['pubkey_legacy', 'pubkey_ed25519', 'pubkey_x25519']) expectMatch(key, snode[key], HEX_KEY)
        expectMatch('address', snode['address'], /^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}\.snode$/)
        expectMatch('ip', snode['ip'], /^\d+\.\d+\.\d+\.\d+$/)
        expectEqual('port', snode['port'], String(expectWithin('port_https', snode['port_https'], 1, 65_535)))
        expectEqual('port_quic', snode['port_quic'], expectWithin('port_omq', snode['port_omq'], 0, 65_535))
      }
      const listed = context.view.nodes.filter(({ swarm }) => swarm === context.node.swarm)
      expectEqual('members', snodes.map((snode) => snode['pubkey_ed25519']).sort(), listed.map(({ key }) => key).sort())
    },
  ),
  writeGetSwarm.success('names X25519 keys that are the images of the Ed25519 keys', async (context) => {
    const { body } = await context.ask('get_swarm', { pubkey: context.account().account })
    for (const snode of expectList('snodes', at(body, 'snodes'))) {
      const image = x25519ImageOf(expectText('pubkey_ed25519', at(snode, 'pubkey_ed25519')))
      expectEqual('pubkey_x25519', at(snode, 'pubkey_x25519'), image)
    }
  }),
  writeGetSwarm.success(
    'is also called get_snodes_for_pubkey, and takes the account as `pubKey` too',
    async (context) => {
      const { account } = context.account()
      const { body } = await context.ask('get_swarm', { pubkey: account })
      for (const name of ['pubkey', 'pubKey']) {
        for (const method of ['get_swarm', 'get_snodes_for_pubkey']) {
          const told = await context.ask(method, { [name]: account })
          expectEqual(`${method} by ${name}`, at(expectOk(told), 'snodes'), at(body, 'snodes'))
        }
      }
    },
  ),
  writeGetSwarm.success('is answered by any node for any account, and by all alike', async (context) => {
    const accounts = Array.from({ length: 8 }, () => createTestAccount('session').account)
    const others = context.view.nodes.slice(0, 4)
    for (const pubkey of accounts) {
      const expected = swarmTextOf(pubkey, context.view.swarmIds)
      for (const node of [context.node, ...others]) {
        expectEqual('swarm', expectOk(await context.ask('get_swarm', { pubkey }, node))['swarm'], expected)
      }
    }
  }),
  writeGetSwarm.boundary(
    'gives each account to the nearest swarm of the ring, as every client computes it',
    async (context) => {
      for (const { account, space } of knownSpaces.vectors) {
        const { swarm } = expectOk(await context.ask('get_swarm', { pubkey: account }))
        expectEqual(`swarm of ${account}`, swarm, swarmIdFor(BigInt(space), context.view.swarmIds)?.toString(16))
      }
    },
  ),
  writeGetSwarm.boundary('does not care for an account’s prefix', async (context) => {
    const key = 'ab'.repeat(32)
    const swarms = []
    for (const prefix of ['00', '03', '05', 'ff']) {
      swarms.push(expectOk(await context.ask('get_swarm', { pubkey: prefix + key }))['swarm'])
    }
    expectEqual('number of swarms', new Set(swarms).size, 1)
  }),
  writeGetSwarm.success('ignores what clients nest in it', async (context) => {
    const params = { active_only: true, fields: { public_ip: true } }
    expectOk(await context.ask('get_swarm', { pubkey: context.account().account, params }))
  }),
]

const writeInfo = casesOf('info')

export const infoCases: readonly ConformanceCase[] = [
  writeInfo.success('tells version and time', async (context) => {
    const body = expectOk(await context.ask('info', {}))
    expectStamp(context, body)
    expectKeys('body', body, ['version', 'timestamp', 't', 'hf'])
    const version = expectList('version', body['version'])
    expectEqual('parts of version', version.length, 3)
    for (const part of version) expectInteger('version', part)
    expectEqual('timestamp', body['timestamp'], body['t'])
    expectWithin('timestamp', body['timestamp'], context.nowMs() - MINUTE, context.nowMs() + MINUTE)
  }),
  writeInfo.error(
    'needs `params`, though it has none',
    async (context) => {
      expectRefusal(await context.askText('{"method":"info"}'), 400, 'invalid json: no `params` field')
    },
    { refusals: [refusalKey(400, 'invalid json: no `params` field')] },
  ),
  writeInfo.boundary('ignores parameters', async (context) => {
    expectOk(await context.ask('info', { pubkey: 5, fields: [] }))
  }),
]

const writeOxend = casesOf('oxend_request')
/** What others ask for besides. */
const MORE_FIELDS = [
  'service_node_pubkey',
  'storage_lmq_port',
  'swarm',
  'funded',
  'active',
  'storage_server_version',
  'last_uptime_proof',
]

export const oxendRequestCases: readonly ConformanceCase[] = [
  ...[
    { as: 'an object', fields: Object.fromEntries(LIST_FIELDS.map((name) => [name, true])) },
    { as: 'a list', fields: LIST_FIELDS },
  ].map(({ as, fields }) =>
    writeOxend.success(`lists service nodes with the fields that are named as ${as}`, async (context) => {
      const params = { endpoint: 'get_service_nodes', params: { active_only: true, fields } }
      const body = expectOk(await context.ask('oxend_request', params))
      expectStamp(context, body)
      expectKeys('body', body, ['result', 't', 'hf'])
      const result = expectObject('result', body['result'])
      expectInteger('height', result['height'])
      const states = expectList('service_node_states', result['service_node_states'])
      expectEqual('nodes', states.length >= context.view.nodes.length, true)
      for (const state of states) {
        const node = expectObject('state', state)
        expectKeys(
          'state',
          node,
          ['public_ip', 'storage_port', 'pubkey_x25519', 'pubkey_ed25519', 'requested_unlock_height'],
          ['height'],
        )
        expectInteger('requested_unlock_height', node['requested_unlock_height'])
        expectInteger('storage_port', node['storage_port'])
        expectText('public_ip', node['public_ip'])
        expectEqual(
          'pubkey_x25519',
          node['pubkey_x25519'],
          x25519ImageOf(expectMatch('pubkey_ed25519', node['pubkey_ed25519'], HEX_KEY)),
        )
      }
    }),
  ),
  writeOxend.success('lists all fields that clients read when none are named', async (context) => {
    const body = expectOk(await context.ask('oxend_request', { endpoint: 'get_service_nodes', params: {} }))
    const result = expectObject('result', body['result'])
    for (const name of ['height', 'block_hash', 'hardfork', 'snode_revision']) {
      if (result[name] === undefined) throw new ExpectationFailed(`result.${name}`, 'a value', 'nothing')
    }
    for (const state of expectList('service_node_states', result['service_node_states'])) {
      const node = expectObject('state', state)
      const missing = [...LIST_FIELDS, ...MORE_FIELDS].filter((name) => name !== 'height' && node[name] === undefined)
      expectEqual('missing fields', missing, [])
      expectMatch('swarm', node['swarm'], SWARM_ID)
    }
  }),
  writeOxend.success('lists the same nodes at every node', async (context) => {
    const listed = []
    for (const node of [context.node, ...context.view.nodes.slice(0, 3)]) {
      const params = { endpoint: 'get_service_nodes', params: { fields: ['pubkey_ed25519', 'swarm'] } }
      const states = expectList(
        'states',
        at((await context.ask('oxend_request', params, node)).body, 'result', 'service_node_states'),
      )
      listed.push(states.map((state) => `${at(state, 'pubkey_ed25519')} ${at(state, 'swarm')}`).sort())
    }
    for (const list of listed) expectEqual('nodes', list, listed[0])
  }),
  writeOxend.boundary('ignores fields that it does not know, and gives the list for no known one', async (context) => {
    const params = { endpoint: 'get_service_nodes', params: { fields: { unheard_of: true } } }
    expectList('states', at(expectOk(await context.ask('oxend_request', params)), 'result', 'service_node_states'))
  }),
  writeOxend.refusal(
    'says that there is no name service',
    400,
    'ons_resolve is not supported: this network has no name service',
    () => ({
      endpoint: 'ons_resolve',
      params: { type: 0, name_hash: 'yB7mbm2q1MaczqNZCYguH+71z5jooEMeXA0sncfni+g=' },
    }),
    { basis: 'ours' },
  ),
  ...['get_blocks', '', 'admin.get_service_node_privkey'].map((endpoint) =>
    writeOxend.malformed(
      `refuses the endpoint ${JSON.stringify(endpoint)}`,
      `Invalid oxend endpoint '${endpoint}'`,
      () => ({ endpoint, params: {} }),
    ),
  ),
  writeOxend.malformed('needs `endpoint`', "Required field 'endpoint' missing", () => ({ params: {} })),
  writeOxend.malformed(
    'takes `endpoint` as string only',
    "Invalid value given for 'endpoint': expected string",
    () => ({ endpoint: 5, params: {} }),
  ),
]

const writeActive = casesOf('active_nodes_bin')
const RECORD_BYTES = 51

export const activeNodesBinCases: readonly ConformanceCase[] = [
  writeActive.success('gives 51 bytes for each node that is in a swarm and has an address', async (context) => {
    const answer = await context.ask('active_nodes_bin', {})
    expectEqual('status', answer.status, 200)
    const bytes = Buffer.from(fromBase64(expectText('body', answer.body)) ?? [])
    expectEqual('bytes beyond whole records', bytes.length % RECORD_BYTES, 0)
    const records = new Set<string>()
    for (let offset = 0; offset < bytes.length; offset += RECORD_BYTES) {
      const record = bytes.subarray(offset, offset + RECORD_BYTES)
      const ip = [...record.subarray(40, 44)].join('.')
      records.add(
        `${record.toString('hex', 0, 32)} ${record.readBigUInt64BE(32).toString(16)} ${ip}:${record.readUInt16BE(44)}`,
      )
    }
    const { body } = await context.ask('oxend_request', { endpoint: 'get_service_nodes', params: {} })
    const listed = expectList('states', at(body, 'result', 'service_node_states'))
      .filter((state) => at(state, 'public_ip') !== '0.0.0.0' && at(state, 'active') === true)
      .map(
        (state) =>
          `${at(state, 'pubkey_ed25519')} ${at(state, 'swarm')} ${at(state, 'public_ip')}:${at(state, 'storage_port')}`,
      )
    expectEqual('nodes', [...records].sort(), listed.sort())
  }),
  writeActive.success(
    'is bytes over HTTPS',
    async (context) => {
      expectEqual('bytes', (await context.ask('active_nodes_bin', {})).binary, true)
    },
    { over: 'https' },
  ),
  writeActive.success('is base64 in a batch', async (context) => {
    const requests = [{ method: 'active_nodes_bin', params: {} }]
    const { body } = await context.ask('batch', { requests })
    const records = fromBase64(expectText('body', at(body, 'results', 0, 'body')))
    expectEqual('bytes beyond whole records', (records?.length ?? 1) % RECORD_BYTES, 0)
  }),
  writeActive.boundary('ignores parameters', async (context) => {
    expectEqual('status', (await context.ask('active_nodes_bin', { pubkey: 5 })).status, 200)
  }),
  writeActive.error(
    'needs `params`, though it has none',
    async (context) => {
      expectRefusal(await context.askText('{"method":"active_nodes_bin"}'), 400, 'invalid json: no `params` field')
    },
    { refusals: [refusalKey(400, 'invalid json: no `params` field')] },
  ),
]
