import { randomBytes } from 'node:crypto'
import { fromBase64, fromUtf8, utf8 } from '../../src/base/bytes.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { encodeCombinedPayload } from '../../src/protocol/onion/combined-payload.ts'
import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { ExpectationFailed, expectEqual, expectMatch, expectTrue } from '../expectations.ts'
import type { NetworkNode } from '../network-view.ts'
import { buildFrame, type Frame, type FrameOptions, finalContent } from '../onion-frame.ts'
import { retrieveParams } from '../requests.ts'
import { chooseHops } from '../transport.ts'

// Onion requests as such: framing, ciphers, how replies are written, and what goes wrong on the way.

const write = casesOf('onion')
const over = 'onion' as const
const INFO = '{"method":"info","params":{}}'
const INVALID_CIPHERTEXT = 'Invalid ciphertext'
/** A key of nobody. */
const STRANGER = '11'.repeat(32)
const HOPS_MAX = 15

/** The asked node as guard, and others behind it. */
function pathFrom({ node, view }: CaseContext, length: number): readonly NetworkNode[] {
  return [node, ...chooseHops(view.nodes, node)].slice(0, length)
}

async function post(context: CaseContext, body: Uint8Array, guard: NetworkNode = context.node) {
  const { status, body: bytes } = await context.exchange({ path: '/onion_req/v2', body }, guard)
  return { status, bytes, text: bytes.toString('utf8') }
}

/** The text of a reply, which must have come with status 200. */
async function reply(context: CaseContext, { body, key }: Frame, isBase64 = true): Promise<string> {
  const { status, bytes, text } = await post(context, body)
  if (status !== 200) throw new ExpectationFailed('status of the onion request', 200, [status, text])
  const sealed = isBase64 ? fromBase64(text) : bytes
  const opened = sealed && fromUtf8(key.open(sealed) ?? new Uint8Array())
  if (opened === undefined || opened === '') throw new ExpectationFailed('reply', 'sealed with the layer’s key', text)
  return opened
}

async function expectSealed(context: CaseContext, options: FrameOptions, status: number, body: string): Promise<void> {
  expectEqual('reply', await reply(context, buildFrame(options)), JSON.stringify({ body, status }))
}

/** A refusal on the path: plain text, and the status of the HTTP response. */
function refusedOnPath(
  name: string,
  bodyOf: (context: CaseContext) => Uint8Array,
  status: number,
  text: string,
  basis?: 'ours',
): ConformanceCase {
  return write.error(
    name,
    async (context) => {
      const { status: got, text: said } = await post(context, bodyOf(context))
      expectEqual('status and text', [got, said], [status, text])
    },
    { over, refusals: [refusalKey(status, text)], ...(basis !== undefined && { basis }) },
  )
}

/** As refusedOnPath, where the protocol fixes only how the text begins. */
function unreadable(name: string, bodyOf: (context: CaseContext) => Uint8Array): ConformanceCase {
  return write.error(
    name,
    async (context) => {
      const { status, text } = await post(context, bodyOf(context))
      expectEqual('status', status, 400)
      expectMatch('text', text, /^Error parsing onion request: ./)
    },
    { over, refusals: ['400 Error parsing onion request: '] },
  )
}

function frameOf(context: CaseContext, options: Partial<FrameOptions> = {}): Frame {
  return buildFrame({ nodes: pathFrom(context, 2), content: finalContent(INFO), ...options })
}

const CIPHERS = [undefined, 'aes-gcm', 'gcm', 'xchacha20', 'xchacha20-poly1305']

export const onionCases: readonly ConformanceCase[] = [
  ...CIPHERS.map((encryption) =>
    write.success(
      `opens layers sealed by ${encryption ?? 'AES-GCM when no cipher is named'}, and seals the reply alike`,
      async (context) => {
        const nodes = pathFrom(context, 4)
        expectMatch(
          'reply',
          await reply(context, buildFrame({ nodes, content: finalContent(INFO), encryption })),
          /"status":200\}$/,
        )
      },
      { over },
    ),
  ),
  ...[1, 2, 3, 4].map((length) =>
    write.boundary(
      `carries a request over ${length} ${length === 1 ? 'node' : 'nodes'}`,
      async (context) => {
        const nodes = pathFrom(context, length)
        expectMatch(
          'reply',
          await reply(context, buildFrame({ nodes, content: finalContent(INFO) })),
          /"status":200\}$/,
        )
      },
      { over },
    ),
  ),
  write.success(
    'writes a JSON body as a string that contains JSON',
    async (context) => {
      const text = await reply(context, frameOf(context))
      expectMatch('reply', text, /^\{"body":"\{.*\}","status":200\}$/)
      expectEqual('type of body', typeof (JSON.parse(text) as JsonObject)['body'], 'string')
    },
    { over },
  ),
  write.success(
    'embeds a JSON body when `json` is true',
    async (context) => {
      const text = await reply(context, frameOf(context, { content: finalContent(INFO, { headers: {}, json: true }) }))
      expectMatch('reply', text, /^\{"body":\{.*\},"status":200\}$/)
    },
    { over },
  ),
  write.success(
    'gives the sealed bytes when `base64` is false',
    async (context) => {
      const content = finalContent(INFO, { headers: {}, base64: false })
      expectMatch('reply', await reply(context, frameOf(context, { content }), false), /"status":200\}$/)
    },
    { over },
  ),
  write.success(
    'gives padded base64 otherwise',
    async (context) => {
      const { text } = await post(context, frameOf(context).body)
      expectTrue('length and digits', text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text), text)
    },
    { over },
  ),
  ...['', {}, [], { 'Content-Type': 'application/json' }].map((headers) =>
    write.success(
      `takes headers ${JSON.stringify(headers)} for the mark of the destination`,
      async (context) => {
        const content = finalContent(INFO, { body: null, headers })
        expectMatch('reply', await reply(context, frameOf(context, { content })), /"status":200\}$/)
      },
      { over },
    ),
  ),
  write.success(
    'answers with status 200 outside, whatever it is inside',
    async (context) => {
      const content = finalContent(
        JSON.stringify({ method: 'retrieve', params: { pubkey: context.account().account } }),
      )
      await expectSealed(context, { nodes: [context.node], content }, 401, 'retrieve: request signature required')
    },
    { over },
  ),
  write.error(
    'seals the 421 of a destination, with the swarm in it',
    async (context) => {
      const params = retrieveParams(context.foreignAccount(), context.nowMs())
      const content = finalContent(JSON.stringify({ method: 'retrieve', params }))
      const { status, body } = JSON.parse(
        await reply(context, buildFrame({ nodes: [context.node], content })),
      ) as JsonObject
      expectEqual('status', status, 421)
      expectTrue('snodes', Array.isArray((JSON.parse(String(body)) as JsonObject)['snodes']), body)
    },
    { over },
  ),
  write.success(
    'ignores fields that it does not know',
    async (context) => {
      const content = finalContent(INFO, { headers: {}, unheard_of: 1 })
      expectMatch(
        'reply',
        await reply(context, frameOf(context, { content, outer: { unheard_of: {} } })),
        /"status":200\}$/,
      )
    },
    { over },
  ),

  refusedOnPath(
    'refuses an empty frame',
    () => new Uint8Array(),
    400,
    'Error parsing onion request: Unexpected payload size; expected ciphertext size',
  ),
  refusedOnPath(
    'refuses a frame shorter than it says',
    () => Buffer.from('0a000000aabb', 'hex'),
    400,
    'Error parsing onion request: Unexpected payload size 2, expected >= 10',
  ),
  unreadable('refuses a frame without metadata', () => Buffer.from('02000000aabb', 'hex')),
  unreadable('refuses metadata that is no JSON', () => Buffer.from('00000000 {x}'.replace(' ', ''))),
  unreadable('refuses metadata without an ephemeral key', () =>
    encodeCombinedPayload({ blob: randomBytes(60), metadata: {} }),
  ),
  ...['zz', '11'.repeat(31), 5].map((key) =>
    unreadable(`refuses the ephemeral key ${JSON.stringify(key).slice(0, 8)}`, () =>
      encodeCombinedPayload({ blob: randomBytes(60), metadata: { ephemeral_key: key } }),
    ),
  ),
  ...['aes-cbc', 'cbc', 'rot13', ''].map((enc_type) =>
    unreadable(
      `refuses the cipher ${JSON.stringify(enc_type)}`,
      (context) => frameOf(context, { outer: { enc_type } }).body,
    ),
  ),
  refusedOnPath(
    'refuses what does not open',
    (context) =>
      buildFrame({ nodes: [{ ...context.node, x25519: '09'.padEnd(64, '0') }], content: finalContent(INFO) }).body,
    400,
    INVALID_CIPHERTEXT,
  ),
  refusedOnPath(
    'refuses a layer of which one byte was changed',
    (context) => {
      const { body } = frameOf(context)
      return body.with(40, (body[40] ?? 0) ^ 1)
    },
    400,
    INVALID_CIPHERTEXT,
  ),
  refusedOnPath(
    'refuses a layer under another cipher’s name',
    (context) => frameOf(context, { encryption: 'aes-gcm', outer: { enc_type: 'xchacha20' } }).body,
    400,
    INVALID_CIPHERTEXT,
  ),
  refusedOnPath(
    'refuses an ephemeral key whose secret everybody knows',
    (context) => frameOf(context, { outer: { ephemeral_key: '00'.repeat(32) } }).body,
    400,
    INVALID_CIPHERTEXT,
    'ours',
  ),
  write.error(
    'refuses a layer that it opened before',
    async (context) => {
      const { body } = frameOf(context)
      expectEqual('first', (await post(context, body)).status, 200)
      const { status, text } = await post(context, body)
      expectEqual('second', [status, text], [400, INVALID_CIPHERTEXT])
    },
    { over, basis: 'ours', refusals: [refusalKey(400, INVALID_CIPHERTEXT)] },
  ),

  write.error(
    'names a next node that it does not know, and no other',
    async (context) => {
      const stranger = { ...context.node, key: STRANGER }
      const { status, text } = await post(
        context,
        buildFrame({ nodes: [context.node, stranger], content: finalContent(INFO) }).body,
      )
      expectEqual('status and text', [status, text], [502, `Next node not found: ${STRANGER}`])
    },
    { over, refusals: ['502 Next node not found: '] },
  ),
  write.error(
    'hands back what a further hop says of a next node that it does not know',
    async (context) => {
      const [guard, hop] = pathFrom(context, 2) as [NetworkNode, NetworkNode]
      const stranger = { ...context.node, key: STRANGER }
      const { status, text } = await post(
        context,
        buildFrame({ nodes: [guard, hop, stranger], content: finalContent(INFO) }).body,
      )
      expectEqual('status and text', [status, text], [502, `Next node not found: ${STRANGER}`])
    },
    { over, refusals: ['502 Next node not found: '] },
  ),
  write.error(
    'is no next node of itself',
    async (context) => {
      const nodes = [context.node, context.node]
      const { status, text } = await post(context, buildFrame({ nodes, content: finalContent(INFO) }).body)
      expectEqual('status and text', [status, text], [502, `Next node is currently unreachable: ${context.node.key}`])
    },
    { over, basis: 'ours', refusals: ['502 Next node is currently unreachable: '] },
  ),
  write.error(
    'hands back that a further hop could not open its layer',
    async (context) => {
      const [guard, hop] = pathFrom(context, 2) as [NetworkNode, NetworkNode]
      const mistaken = { ...hop, x25519: '09'.padEnd(64, '0') }
      const { status, text } = await post(
        context,
        buildFrame({ nodes: [guard, mistaken], content: finalContent(INFO) }).body,
      )
      expectEqual('status and text', [status, text], [400, INVALID_CIPHERTEXT])
    },
    { over, refusals: [refusalKey(400, INVALID_CIPHERTEXT)] },
  ),

  ...[-5, 0, HOPS_MAX - 1].map((hop_no) =>
    write.boundary(
      `takes a request whose hop number is ${hop_no}`,
      async (context) => {
        expectMatch('reply', await reply(context, frameOf(context, { outer: { hop_no } })), /"status":200\}$/)
      },
      { over },
    ),
  ),
  refusedOnPath(
    'refuses a request that went over more than 15 hops',
    (context) => frameOf(context, { outer: { hop_no: HOPS_MAX } }).body,
    400,
    'onion request max path length exceeded',
  ),
  unreadable('takes whole hop numbers only', (context) => frameOf(context, { outer: { hop_no: 'x' } }).body),

  ...[
    ['rubbish', randomBytes(200)],
    ['nothing', new Uint8Array()],
    ['metadata that says nothing', encodeCombinedPayload({ blob: utf8(INFO), metadata: {} })],
    [
      'a next node that is none',
      encodeCombinedPayload({ blob: utf8(INFO), metadata: { destination: 'x', ephemeral_key: STRANGER } }),
    ],
  ].map(([what, content]) =>
    write.error(
      `seals \`Invalid json\` for a layer in which it finds ${what}`,
      (context) =>
        expectSealed(context, { nodes: [context.node], content: content as Uint8Array }, 400, 'Invalid json'),
      { over, refusals: [refusalKey(400, 'Invalid json')] },
    ),
  ),
  write.error(
    'seals the refusal of a request that is no JSON',
    (context) =>
      expectSealed(context, { nodes: pathFrom(context, 2), content: finalContent('{') }, 400, 'invalid json'),
    {
      over,
      refusals: [refusalKey(400, 'invalid json')],
    },
  ),
  ...[
    { target: '/not_loki/v3/lsrpc' },
    { target: '/loki/v3' },
    { target: '/loki/v3/lsrpc?foo=bar' },
    { target: '/' },
    { target: '/oxen/v4/lsrpc', protocol: 'ftp' },
  ].map(({ target, protocol }) =>
    write.error(
      `asks no outside server for ${protocol ?? 'https'} ${target}`,
      async (context) => {
        const metadata = {
          host: 'server.invalid',
          target,
          ephemeral_key: STRANGER,
          ...(protocol !== undefined && { protocol }),
        }
        const content = encodeCombinedPayload({ blob: randomBytes(60), metadata })
        await expectSealed(context, { nodes: [context.node], content }, 400, 'Invalid url')
      },
      { over, refusals: [refusalKey(400, 'Invalid url')] },
    ),
  ),
]
