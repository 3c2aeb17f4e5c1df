// What identifies a client, what it sends, and what an operator keeps secret goes in through every entry of a node that logs all there is, and comes out nowhere.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as requestAdmin } from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { builtProgram } from '../../devnet/built-program.ts'
import { freePorts } from '../../devnet/free-port.ts'
import type { Devnet, DevnetNode } from '../../devnet/network.ts'
import type { NodeHome } from '../../devnet/options.ts'
import { networkOf } from '../../devnet/swarms.ts'
import { toHex, utf8 } from '../../src/base/bytes.ts'
import { adminSocketPath } from '../../src/cli/admin-client.ts'
import { monitorParams } from '../../src/client/follow/monitor-params.ts'
import { deleteRequest, retrieveRequest, storeRequest } from '../../src/client/signed-params.ts'
import type { X25519PublicKey } from '../../src/crypto/keys.ts'
import { toPeerId } from '../../src/network/peer-identity.ts'
import { PEER_PROTOCOLS } from '../../src/network/peer-protocols.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { decodeOuterFrame } from '../../src/protocol/onion/outer-frame.ts'
import { serviceNodeKey } from '../../src/protocol/service-node.ts'
import { Canaries } from '../support/canaries.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { layerKeysOf } from '../support/node-keys.ts'
import { sealTampered, withFlippedBit } from '../support/onion-layers.ts'
import { Stranger } from '../support/stranger.ts'
import { METHOD_PARAMS } from '../unit/fuzz/method-params.ts'
import { type RpcProxy, startRpcProxy } from '../unit/staking/rpc-proxy.ts'

const RPC = '/storage_rpc/v1'
/** As few as the contract does with. */
const NODES = 4

const canaries = new Canaries()
const { account, payload } = canaries
const faultFolder = mkdtempSync(join(tmpdir(), 'starling-canaries-'))
let devnet: Devnet & { folder: string }
let target: DevnetNode
let targetKey: X25519PublicKey
let chain: RpcProxy

beforeAll(async () => {
  const homes = await Promise.all(Array.from({ length: NODES }, (_, at) => homeOf(at + 1)))
  devnet = await startTestDevnet({ nodes: NODES, logLevel: 'trace', homeOf: (index) => homes[index - 1] as NodeHome })
  target = devnet.nodes[0] as DevnetNode
  targetKey = (await layerKeysOf([target])).get(target.key)?.publicKey as X25519PublicKey
  chain = await startRpcProxy(devnet.chain.anvil.rpcUrl)
  await restartWithSecrets()
})

afterAll(async () => {
  await devnet?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
  rmSync(faultFolder, { recursive: true })
})

describe('HTTPS', () => {
  const cases = Object.entries(METHOD_PARAMS).flatMap(([method, list]) =>
    list.map((params, at) => ({ method, at, params: canaries.inside(params as JsonObject) })),
  )

  test.each(cases)('$method $at', async ({ method, params }) => {
    for (const broken of ['', ',}', ` "${payload}"`]) {
      expect(await post(RPC, `${JSON.stringify({ method, params })}${broken}`)).toBeGreaterThan(0)
    }
  })

  test('requests that are carried out', async () => {
    const timestampMs = Date.now()
    const message = { account: account.id, namespace: 0, data: utf8(payload), timestampMs, ttlMs: 60_000 }
    const owned = { ...message, namespace: 5 }
    const query = { namespace: 5, timestampMs }
    for (const request of [
      storeRequest(message, undefined),
      storeRequest(owned, account),
      retrieveRequest(query, account),
      deleteRequest([canaries.hash.toString('base64').slice(0, 43) as never], account),
    ]) {
      expect(await post(RPC, JSON.stringify(request))).toBeOneOf([200, 404])
    }
  })

  test('paths, methods, headers and bytes that are none', async () => {
    for (const path of [`/${payload}`, `/json_rpc?${payload}`, `${RPC}/../${account.id}`]) await post(path, payload)
    const socket = connectTls({ host: target.ip, port: target.httpsPort, rejectUnauthorized: false })
    socket.on('error', () => {})
    socket.end(`${payload} / HTTP/9\r\n${payload}`)
    await text(socket)
  })
})

describe('onion requests', () => {
  test.each(Object.keys(METHOD_PARAMS))('that end with %s', async (method) => {
    const [params = {}] = METHOD_PARAMS[method as keyof typeof METHOD_PARAMS]
    const inner = JSON.stringify({ method, params: canaries.inside(params as JsonObject) })
    const { body } = sealTampered({
      nodes: [{ ed25519: target.key, x25519: targetKey }],
      payload: utf8(inner),
      encryption: 'xchacha20',
    })
    canaries.add(toHex(decodeOuterFrame(body).ephemeralKey))
    for (const bytes of [body, withFlippedBit(body, 40)]) expect(await post('/onion_req/v2', bytes)).toBeGreaterThan(0)
  })
})

test('WebSockets', async () => {
  const socket = new WebSocket(`wss://${target.ip}:${target.httpsPort}/monitor/v1?${payload}`, {
    rejectUnauthorized: false,
    headers: headers(),
    localAddress: canaries.address,
  } as WebSocket.ClientOptions)
  await new Promise((resolve) => socket.once('open', resolve))
  const answers: string[] = []
  socket.on('message', (data) => answers.push(String(data)))
  const right = JSON.stringify(monitorParams(account, [0], Date.now()))
  const frames = [right, payload, `d1:p66:${account.id}e`, JSON.stringify({ p: account.id, T: payload })]
  for (const frame of frames) {
    socket.send(frame)
    socket.send(Buffer.from(frame))
  }
  await eventually('all are answered', async () => answers.length >= 2 * frames.length || undefined)
  socket.terminate()
})

test('other nodes', async () => {
  const operator = await devnet.createOperator(NODES + 1)
  await devnet.chain.register(operator)
  const { ed25519 } = operator.keys
  canaries.add(toPeerId(serviceNodeKey(ed25519.publicKey)).toString())
  await using member = await Stranger.create(ed25519, networkOf(devnet.chain))
  await eventually('the member is let in', () => member.ask(target.multiaddr, 'records', new Uint8Array(8)))
  const inner = JSON.stringify({ method: 'store', params: { pubkey: account.id, data: payload } })
  for (const protocol of PEER_PROTOCOLS) {
    await member.ask(target.multiaddr, protocol, utf8(inner))
    await member.sendRaw(target.multiaddr, protocol, [Buffer.alloc(40, payload)])
  }
})

test('the operator’s socket', async () => {
  const known = await admin('GET', '/v1/nothing', '')
  const routes = (JSON.parse(known).message as string).replace('There are ', '').split(', ')
  expect(routes.length).toBeGreaterThan(8)
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ')
    // A backup would be made where it says.
    const bodies = path === '/v1/backup' ? [payload] : [payload, JSON.stringify({ [payload]: account.id, to: payload })]
    for (const body of bodies) await admin(method, `${path}?${payload}=${account.id}`, body)
  }
  // What went in with the last of them may have ended what this test stands on.
  await admin('DELETE', '/v1/log-levels', '')
})

interface Command {
  readonly name: string
  readonly words: () => readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

describe('commands', () => {
  const url = `https://user:${canaries.rpcKey}@127.0.0.1:9/v2/${canaries.rpcKey}?key=${canaries.rpcKey}`
  const common = ['--json', '--network', 'devnet']
  const commands: readonly Command[] = [
    {
      name: 'run with a broken URL',
      words: () => ['run', ...common, '--staking.rpcUrls', url.replace('https', 'hxxps')],
    },
    {
      name: 'run with it in the environment',
      words: () => ['run', ...common],
      env: { STARLING_STAKING__RPC_URLS: `${url},ftp:${url}` },
    },
    { name: 'run with a configuration that breaks off', words: () => ['run', '--json', '--config', brokenConfig()] },
    { name: 'config show', words: () => ['config', 'show', '--json', '--config', configOf(target)] },
    {
      name: 'stake status',
      words: () => ['stake', 'status', ...common, '--rpc', url, '--keys-folder', keysOf(target)],
    },
    {
      name: 'keys restore',
      words: () => ['keys', 'restore', '--json', '--from', secretFile(), '--passphrase-file', secretFile()],
    },
    {
      name: 'wallet show',
      words: () => ['wallet', 'show', '--json', '--keystore', secretFile(), '--passphrase-file', secretFile()],
    },
    { name: 'status', words: () => ['status', '--json', '--config', configOf(target)] },
    { name: 'doctor', words: () => ['doctor', '--json', '--config', configOf(target)] },
    { name: 'log level', words: () => ['log', 'level', '--json', '--config', configOf(target)] },
  ]

  const program = builtProgram()
  test.concurrent.each(commands)('$name', async ({ words, env = {} }) => {
    const child = spawn(process.execPath, [program.main, ...words()], {
      env: { ...process.env, ...program.env, ...env },
      cwd: devnet.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = (await Promise.all([text(child.stdout), text(child.stderr)])).join('')
    expect(said).not.toBe('')
    expect(canaries.foundIn(said)).toEqual([])
  })
})

// Afterwards, since it covers all of the above.
describe('what a node tells', () => {
  test.each(['/metrics', '/readyz', '/livez', '/startupz', '/', '/status.json'])('at %s', async (path) => {
    const answer = await fetch(`${target.metricsUrl}${path}`)
    expect(canaries.foundIn(await answer.text())).toEqual([])
  })

  test.each(['/v1/status', '/v1/peers', '/v1/swarm', '/v1/settings', '/v1/log-levels'])(
    'over its socket at %s',
    async (path) => {
      // Nodes may know of each other.
      const answer = (await admin('GET', path, '')).replaceAll('12D3KooW', '')
      expect(canaries.foundIn(answer)).toEqual([])
    },
  )

  test('in its log, with every line that there is, and when a fault with a payload in its words ends it', async () => {
    const before = readFileSync(target.logPath, 'utf8')
    expect(before).toContain('"level":"trace"')
    process.kill(target.runner.pid as number, 'SIGUSR2')
    await target.runner.ended
    for (const { logPath } of devnet.nodes) {
      const log = readFileSync(logPath, 'utf8')
      const found = canaries.foundIn(log)
      expect(found.map((canary) => [canary, log.split('\n').find((line) => line.includes(canary))])).toEqual([])
    }
    const last = readFileSync(target.logPath, 'utf8').trimEnd().split('\n').at(-1) ?? ''
    expect(JSON.parse(last)).toMatchObject({ level: 'error', msg: 'A fault of the program: please report it' })
    expect(last).toContain('fault.mjs')
  })
})

/** Throws at a signal, in a way that no part of the node foresees, with what was being worked on in its words. */
async function homeOf(index: number): Promise<NodeHome> {
  const ip = `127.0.${index}.1`
  const ports = (await freePorts(ip, 3)) as [number, number, number]
  const fault = `process.on('SIGUSR2', () => { throw new TypeError('of ${account.id}: ${payload}', { cause: new Error('${payload}') }) })`
  const path = join(faultFolder, 'fault.mjs')
  writeFileSync(path, fault)
  return { ip, ports, command: ['env', `NODE_OPTIONS=--import=${path}`] }
}

/** Keys of providers in their URLs: one that works, and one that does not. */
async function restartWithSecrets(): Promise<void> {
  await target.runner.stop('SIGTERM')
  const path = configOf(target)
  const configuration = JSON.parse(readFileSync(path, 'utf8')) as JsonObject
  const keyed = `${chain.url}/v2/${canaries.rpcKey}?key=${canaries.rpcKey}`
  writeFileSync(path, JSON.stringify({ ...configuration, 'staking.rpcUrls': [keyed] }))
  await devnet.start(target)
  chain.behaviour = { kind: 'text', text: `<html>${canaries.payload} ${canaries.rpcKey}</html>` }
  const asked = chain.methods.length
  await eventually('the chain is asked', async () => chain.methods.length > asked + 1 || undefined)
  chain.behaviour = { kind: 'honest' }
}

function configOf({ folder }: DevnetNode): string {
  return join(folder, 'starling.yml')
}

function keysOf(node: DevnetNode): string {
  return String((JSON.parse(readFileSync(configOf(node), 'utf8')) as JsonObject)['keysFolder'])
}

function brokenConfig(): string {
  const path = join(devnet.folder, 'broken.yml')
  writeFileSync(path, `staking:\n  rpcUrls: [hxxps://u:${canaries.rpcKey}@rpc.example/${canaries.rpcKey}\n  oops: }`)
  return path
}

function secretFile(): string {
  mkdirSync(join(devnet.folder, 'secrets'), { recursive: true, mode: 0o700 })
  const path = join(devnet.folder, 'secrets', 'secret')
  writeFileSync(path, `${canaries.passphrase}\n`, { mode: 0o600 })
  return path
}

function headers(): Record<string, string> {
  const [v4, v6] = canaries.forwardedAddresses
  return {
    'X-Forwarded-For': v4,
    'X-Real-IP': v4,
    Forwarded: `for="[${v6}]"`,
    Authorization: `Bearer ${canaries.header}`,
    Cookie: `session=${canaries.header}`,
    'User-Agent': canaries.header,
    'X-Request-Id': canaries.header,
  }
}

/** The status, or 1 when the connection was cut. */
function post(path: string, body: string | Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    const sent = https.request(
      {
        host: target.ip,
        port: target.httpsPort,
        path,
        method: 'POST',
        headers: { ...headers(), 'Content-Length': Buffer.byteLength(body) },
        rejectUnauthorized: false,
        localAddress: canaries.address,
      },
      (response) => {
        response.resume()
        response.once('close', () => resolve(response.statusCode ?? 1))
      },
    )
    sent.on('error', () => resolve(1))
    sent.end(body)
  })
}

async function admin(method: string, path: string, body: string): Promise<string> {
  const socketPath = adminSocketPath(join(target.folder, 'data'))
  return new Promise((resolve, reject) => {
    const sent = requestAdmin({ socketPath, method, path, agent: false }, (response) => resolve(text(response)))
    sent.on('error', reject)
    sent.end(body)
  })
}
