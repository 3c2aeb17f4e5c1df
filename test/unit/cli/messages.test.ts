// The commands account, send and receive, against nodes on real sockets.
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import yargs from 'yargs'
import { CodedError } from '../../../src/base/coded-error.ts'
import { createAccount, readAccount, showAccount } from '../../../src/cli/account/account-file.ts'
import { type ReceiveArgs, type SendArgs, sendFlags } from '../../../src/cli/account/options.ts'
import { followMessages, receiveMessages } from '../../../src/cli/account/receive.ts'
import { sendMessage } from '../../../src/cli/account/send.ts'
import { jsonLine } from '../../../src/cli/command-outcome.ts'
import { exitCodeOf } from '../../../src/cli/exit-codes.ts'
import { startTestNetwork, type TestNetwork } from '../client/test-network.ts'
import { startTestSwarm } from '../client/test-swarm.ts'

let folder: string
let network: TestNetwork

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-account-'))
})
afterEach(() => rm(folder, { recursive: true }))

const fileOf = (name: string) => join(folder, `${name}.account`)
const noInput = Object.assign((async function* (): AsyncGenerator<Uint8Array> {})(), { isTTY: true })

async function accountOf(name: string): Promise<string> {
  await createAccount({ file: fileOf(name), json: false })
  return (await readAccount(fileOf(name))).id
}

/** The exit code and error code that a command ends with. */
async function failureOf(work: Promise<unknown>): Promise<readonly [number, string]> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return [exitCodeOf(error), error instanceof CodedError ? String(error.code) : 'none']
}

describe('an account file', () => {
  test('is made for this user alone, and says who its account is', async () => {
    const created = await createAccount({ file: fileOf('alice'), json: true })
    const shown = await showAccount({ file: fileOf('alice'), json: true })
    expect(created.result['accountId']).toBe(shown.result['accountId'])
    expect(shown.lines).toEqual([expect.stringMatching(/^05[0-9a-f]{64}$/)])
    expect((await stat(fileOf('alice'))).mode & 0o777).toBe(0o600)
  })

  test('is never overwritten', async () => {
    await createAccount({ file: fileOf('alice'), json: false })
    const before = await readFile(fileOf('alice'))
    expect(await failureOf(createAccount({ file: fileOf('alice'), json: false }))).toEqual([3, 'SECRET_FILE_EXISTS'])
    expect(await readFile(fileOf('alice'))).toEqual(before)
  })

  test('that others can read is refused', async () => {
    await createAccount({ file: fileOf('alice'), json: false })
    await chmod(fileOf('alice'), 0o644)
    expect(await failureOf(readAccount(fileOf('alice')))).toEqual([3, 'SECRET_FILE_EXPOSED'])
  })

  test('that holds something else is refused', async () => {
    await writeFile(fileOf('alice'), 'x'.repeat(64), { mode: 0o600 })
    expect(await failureOf(readAccount(fileOf('alice')))).toEqual([3, 'ACCOUNT_INVALID'])
  })
})

describe('flags', () => {
  test('let the message stand anywhere', () => {
    const words = ['send', '--to', '05', '--account', 'a', '--seed', 'https://one', 'hello', '--seed', 'https://two']
    const args = yargs(words).command('send [text]', '', sendFlags).strict().parseSync()
    expect(args).toMatchObject({ text: 'hello', seed: ['https://one', 'https://two'], 'seed-certificate': 'verified' })
  })
})

describe('send and receive', () => {
  beforeEach(async () => {
    network = await startTestNetwork(9)
    startTestSwarm(network, network.nodes.slice(0, 3))
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const common = () => ({ seed: [network.seedUrl], 'seed-certificate': 'any' as const, json: false })
  const sendArgs = (to: string, text?: string): SendArgs => ({
    ...common(),
    account: fileOf('alice'),
    to,
    text,
    'ttl-days': 14,
  })
  const receiveArgs = (): ReceiveArgs => ({
    ...common(),
    account: fileOf('bob'),
    follow: false,
    interval: 0.1,
    direct: false,
  })

  test('a message that is sent is received, and stays where it is', async () => {
    const alice = await accountOf('alice')
    const bob = await accountOf('bob')
    const sent = await sendMessage(sendArgs(bob, 'see you at eight'), noInput)
    expect(sent.result).toMatchObject({ sent: true, confirmations: 3, members: 3 })

    const { result, lines } = await receiveMessages(receiveArgs())
    expect(result).toMatchObject({ unreadable: 0, messages: [{ from: alice, text: 'see you at eight' }] })
    expect(lines.join('\n')).toContain('see you at eight')
    expect((await receiveMessages(receiveArgs())).result).toEqual(result)
  })

  test('the text can come through a pipe, where others do not see it', async () => {
    await accountOf('alice')
    const bob = await accountOf('bob')
    async function* piped(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('first line\n')
      yield Buffer.from('second line\n')
    }
    await sendMessage(sendArgs(bob), piped())
    const { result } = await receiveMessages(receiveArgs())
    expect(result).toMatchObject({ messages: [{ text: 'first line\nsecond line' }] })
  })

  test('control characters of a message do not reach the terminal', async () => {
    await accountOf('alice')
    await sendMessage(sendArgs(await accountOf('bob'), '\u001b[2J\u202egnihton 👩‍👩‍👧'), noInput)
    const { lines } = await receiveMessages(receiveArgs())
    expect(lines.join('\n')).toContain('\\u{1b}[2J\\u{202e}gnihton 👩‍👩‍👧')
  })

  test('nor through a line of JSON, which still says the same', async () => {
    const text = '\u009b2J\u007f\u202egnihton\u2066 ä'
    const line = jsonLine({ text })
    expect(line).toBe('{"text":"\\u009b2J\\u007f\\u202egnihton\\u2066 ä"}')
    expect(JSON.parse(line)).toEqual({ text })
  })

  test('following prints each message once until it is stopped', async () => {
    await accountOf('alice')
    const bob = await accountOf('bob')
    await sendMessage(sendArgs(bob, 'before'), noInput)
    const stop = new AbortController()
    const printed: string[] = []
    const output = {
      message(line: string) {
        printed.push(JSON.parse(line).text)
        if (printed.length === 1) void sendMessage(sendArgs(bob, 'after'), noInput)
        if (printed.length === 2) stop.abort()
      },
      notice() {},
    }
    const outcome = await followMessages({ ...receiveArgs(), json: true }, output, stop.signal)
    expect(printed).toEqual(['before', 'after'])
    expect(outcome.result).toEqual({ stopped: true, received: 2, unreadable: 0 })
  })

  test('following goes on when the network is away for a while', async () => {
    await accountOf('bob')
    const stop = new AbortController()
    const notices: string[] = []
    const output = {
      message() {},
      notice(line: string) {
        notices.push(line)
        stop.abort()
      },
    }
    let polls = 0
    for (const node of network.nodes) {
      const { answer } = node
      node.answer = (request) =>
        request.method === 'retrieve' && ++polls > 1 ? { status: 500, body: 'away' } : answer(request)
    }
    await followMessages(receiveArgs(), output, stop.signal)
    expect(notices).toEqual([expect.stringContaining('asking again')])
  })

  test('who wished to be told directly, and is not, is told that', async () => {
    await accountOf('alice')
    const bob = await accountOf('bob')
    await sendMessage(sendArgs(bob, 'before'), noInput)
    const stop = new AbortController()
    const notices: string[] = []
    const output = { message: () => stop.abort(), notice: (line: string) => void notices.push(line) }
    await followMessages({ ...receiveArgs(), direct: true }, output, stop.signal)
    expect(notices).toEqual(['The node does not tell of new messages now; asking again'])
  })

  test('what was typed wrongly ends with exit code 2', async () => {
    await accountOf('alice')
    const bob = await accountOf('bob')
    expect(await failureOf(sendMessage(sendArgs('05ab', 'hi'), noInput))).toEqual([2, 'RECIPIENT_MALFORMED'])
    expect(await failureOf(sendMessage(sendArgs(`03${bob.slice(2)}`, 'hi'), noInput))).toEqual([2, 'RECIPIENT_INVALID'])
    expect(await failureOf(sendMessage(sendArgs(bob), noInput))).toEqual([2, 'TEXT_MISSING'])
    expect(await failureOf(sendMessage(sendArgs(bob, ''), noInput))).toEqual([2, 'TEXT_MISSING'])
    async function* latin1(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('grün', 'latin1')
    }
    expect(await failureOf(sendMessage(sendArgs(bob), latin1()))).toEqual([2, 'TEXT_MALFORMED'])
    expect(await failureOf(sendMessage(sendArgs(bob, 'x'.repeat(80_000)), noInput))).toEqual([2, 'TOO_LARGE'])
    const tooLong = { ...sendArgs(bob, 'hi'), 'ttl-days': 15 }
    expect(await failureOf(sendMessage(tooLong, noInput))).toEqual([2, 'NUMBER_OUT_OF_RANGE'])
  })

  test('a network that cannot do it ends with exit code 69', async () => {
    await accountOf('alice')
    for (const node of network.nodes) node.answer = () => ({ status: 503, body: 'not now' })
    expect(await failureOf(sendMessage(sendArgs(await accountOf('bob'), 'hi'), noInput))).toEqual([69, 'SWARM_UNKNOWN'])
  })

  test('a message that no node confirms is not said to be sent', async () => {
    await accountOf('alice')
    const swarm = startTestSwarm(network, network.nodes.slice(0, 3))
    swarm.spoil = () => ({ failed: true })
    expect(await failureOf(sendMessage(sendArgs(await accountOf('bob'), 'hi'), noInput))).toEqual([
      69,
      'SWARM_UNAVAILABLE',
    ])
  })
})
