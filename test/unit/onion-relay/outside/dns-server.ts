// A DNS server on loopback that says what a test wants, over UDP (RFC 1035 4.1).
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

export type RecordType = 'A' | 'AAAA'

export interface DnsQuestion {
  readonly name: string
  readonly type: RecordType
}

export interface DnsServer extends AsyncDisposable {
  /** As a resolver wants it: address and port. */
  readonly address: string
  readonly questions: readonly DnsQuestion[]
}

/** Addresses of one family are left out of answers for the other; `undefined` is no answer at all. */
export type DnsAnswers = (question: DnsQuestion, nth: number) => readonly string[] | 'failure' | undefined

const TYPES: Readonly<Record<number, RecordType>> = { 1: 'A', 28: 'AAAA' }
const HEAD_SIZE = 12
const RESPONSE = 0x8180
const SERVER_FAILURE = 2
/** Points to the name in the question. */
const NAME_OF_QUESTION = 0xc00c

export async function startDnsServer(answers: DnsAnswers): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const questions: DnsQuestion[] = []
  socket.on('message', (message, { port, address }) => {
    const { name, typeCode, end } = readQuestion(message)
    const type = TYPES[typeCode]
    if (type === undefined) return
    const nth = questions.filter((question) => question.name === name && question.type === type).length
    questions.push({ name, type })
    const answer = answers({ name, type }, nth)
    if (answer !== undefined) socket.send(encodeAnswer(message.subarray(0, end), typeCode, answer), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

function readQuestion(message: Buffer): { name: string; typeCode: number; end: number } {
  const labels: string[] = []
  let at = HEAD_SIZE
  for (let size = message.readUInt8(at); size > 0; size = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + size))
    at += 1 + size
  }
  return { name: labels.join('.').toLowerCase(), typeCode: message.readUInt16BE(at + 1), end: at + 5 }
}

function encodeAnswer(question: Buffer, typeCode: number, answer: readonly string[] | 'failure'): Buffer {
  const wanted = (ip: string) => isIPv4(ip) === (TYPES[typeCode] === 'A')
  const records = answer === 'failure' ? [] : answer.filter(wanted).map((ip) => encodeRecord(typeCode, ip))
  const head = Buffer.from(question)
  head.writeUInt16BE(RESPONSE | (answer === 'failure' ? SERVER_FAILURE : 0), 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, ...records])
}

function encodeRecord(typeCode: number, ip: string): Buffer {
  const data = isIPv4(ip) ? Buffer.from(ip.split('.').map(Number)) : ipv6Bytes(ip)
  const head = Buffer.alloc(HEAD_SIZE)
  head.writeUInt16BE(NAME_OF_QUESTION, 0)
  head.writeUInt16BE(typeCode, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function ipv6Bytes(ip: string): Buffer {
  const text = new URL(`http://[${ip}]`).hostname.slice(1, -1)
  const [head = '', tail = ''] = text.split('::')
  const groups = (part: string) => part.split(':').filter((group) => group !== '')
  const zeros = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: zeros }, () => '0'), ...groups(tail)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
