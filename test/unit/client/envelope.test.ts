import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '../../../src/base/bytes.ts'
import { accountFromSeed, generateAccountSeed } from '../../../src/client/account.ts'
import { openEnvelope, sealEnvelope, TEXT_MAX_BYTES } from '../../../src/client/envelope.ts'
import { openSealedBox, sealToPublicKey } from '../../../src/crypto/sealed-box.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { type AccountId, parseAccountId } from '../../../src/protocol/account.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { MESSAGE_DATA_MAX_BYTES } from '../../../src/protocol/limits.ts'

const alice = accountFromSeed('11'.repeat(32))
const bob = accountFromSeed('22'.repeat(32))
const carol = accountFromSeed('33'.repeat(32))
const content = { text: 'see you at eight', sentMs: 1_700_000_000_000 }

const refusesWith = (code: string) => expect.objectContaining({ code })

describe('an envelope', () => {
  test('gives its recipient the text, the time and who wrote it', () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 500 })
    const times = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(texts, times, (text, sentMs) => {
        expect(openEnvelope(sealEnvelope({ text, sentMs }, alice, bob.id), bob)).toEqual({
          text,
          sentMs,
          sender: alice.id,
        })
      }),
      { numRuns: 200 },
    )
  })

  test('keeps a byte order mark and an empty text', () => {
    for (const text of ['\ufefftext', '']) {
      expect(openEnvelope(sealEnvelope({ ...content, text }, alice, bob.id), bob).text).toBe(text)
    }
  })

  test('of the longest text still fits into a stored message, and one byte more is refused', () => {
    const text = 'x'.repeat(TEXT_MAX_BYTES)
    const data = sealEnvelope({ ...content, text }, alice, bob.id)
    expect(data.length).toBeLessThanOrEqual(MESSAGE_DATA_MAX_BYTES)
    expect(openEnvelope(data, bob).text).toBe(text)
    expect(() => sealEnvelope({ ...content, text: `${text}x` }, alice, bob.id)).toThrow(refusesWith('TOO_LARGE'))
  })

  test('shows the length of its text only in steps of 160 bytes', () => {
    const lengthOf = (text: string) => sealEnvelope({ ...content, text }, alice, bob.id).length
    expect(lengthOf('x'.repeat(150))).toBe(lengthOf(''))
    expect(lengthOf('x'.repeat(151)) - lengthOf('')).toBe(160)
  })

  test('is of no use to anybody else', () => {
    expect(() => openEnvelope(sealEnvelope(content, alice, bob.id), carol)).toThrow(refusesWith('FRAME_MALFORMED'))
  })

  test('cannot be sealed anew to a third person as if it were meant for them', () => {
    const inner = openSealedBox(sealEnvelope(content, alice, bob.id), bob.x25519)
    const passedOn = sealToPublicKey(inner ?? new Uint8Array(), carol.x25519.publicKey)
    expect(() => openEnvelope(passedOn, carol)).toThrow(refusesWith('SIGNATURE_INVALID'))
  })

  test('is refused when another sender is put into it', () => {
    const inner = openSealedBox(sealEnvelope(content, alice, bob.id), bob.x25519) ?? new Uint8Array()
    const claimed = concat(carol.ed25519.publicKey, inner.subarray(32))
    const data = sealToPublicKey(claimed, bob.x25519.publicKey)
    expect(() => openEnvelope(data, bob)).toThrow(refusesWith('SIGNATURE_INVALID'))
  })

  test('is not sealed to groups, nor to keys that everybody can open', () => {
    for (const text of [`03${bob.id.slice(2)}`, `05${'00'.repeat(32)}`, `0501${'00'.repeat(31)}`]) {
      const recipient = parseAccountId(text)
      if (recipient === undefined) throw new Error('not an account id')
      expect(() => sealEnvelope(content, alice, recipient)).toThrow(refusesWith('RECIPIENT_INVALID'))
    }
  })

  test.each(['', '05', `05${'zz'.repeat(32)}`, `${bob.id}00`])(
    'is not sealed to %j, which is no account id',
    (text) => {
      expect(() => sealEnvelope(content, alice, text as AccountId)).toThrow(refusesWith('RECIPIENT_INVALID'))
    },
  )

  test('cut at any length is refused', () => {
    const data = sealEnvelope(content, alice, bob.id)
    for (let length = 0; length < data.length; length++) {
      expect(() => openEnvelope(data.subarray(0, length), bob)).toThrow(ProtocolError)
    }
  })

  test('with a longer body than a message may have is refused', () => {
    expect(() => openEnvelope(new Uint8Array(MESSAGE_DATA_MAX_BYTES + 1), bob)).toThrow(refusesWith('FRAME_TOO_LARGE'))
  })
})

describe('content that its sender signed', () => {
  /** Whatever is in the box, signed as it should be. */
  function sealed(padded: Uint8Array): Uint8Array {
    const text = concat(utf8('starling-envelope-1'), padded, alice.ed25519.publicKey, bob.x25519.publicKey)
    const signature = sign(text, alice.ed25519.secretKey)
    return sealToPublicKey(concat(alice.ed25519.publicKey, signature, padded), bob.x25519.publicKey)
  }

  function padded(body: readonly number[], size = 160): Uint8Array {
    const bytes = new Uint8Array(size)
    bytes.set([...body, 0x80])
    return bytes
  }

  const header = [1, 0, 0, 0, 0, 0, 0, 0, 1]

  test.each([
    ['of another version', padded([2, ...header.slice(1)])],
    ['cut in its header', padded(header.slice(0, 8))],
    ['sent at a time that no clock shows', padded([1, 255, 0, 0, 0, 0, 0, 0, 0])],
    ['whose text is not UTF-8', padded([...header, 0xff])],
    ['without a mark at the end', new Uint8Array(160)],
    ['with another mark', padded(header).map((byte) => (byte === 0x80 ? 0x81 : byte))],
    ['padded further than need be', padded(header, 320)],
    ['padded to no step', padded(header, 161)],
  ])('%s is refused', (_, bytes) => {
    expect(() => openEnvelope(sealed(bytes), bob)).toThrow(ProtocolError)
  })

  test('of any bytes gives a message or a protocol error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          openEnvelope(sealed(bytes), bob)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

test('any bytes as an envelope give a protocol error', () => {
  const genuine = sealEnvelope(content, alice, bob.id)
  const mutated = fc.tuple(fc.nat(genuine.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
    const bytes = Uint8Array.from(genuine)
    bytes[at] = (bytes[at] ?? 0) ^ mask
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 600 })), (bytes) => {
      expect(() => openEnvelope(bytes, bob)).toThrow(ProtocolError)
    }),
    { numRuns: 2000 },
  )
})

describe('an account', () => {
  test('has the id that the wallet of its seed has in Session', () => {
    // Source: the account of seed 01 repeated, in the vectors of the client protocol.
    expect(accountFromSeed('01'.repeat(32)).id).toBe(
      '051b1b58dd50ea14b60da17b790cd02754d970c9bab864ebb3c0f3016fe51d3f57',
    )
  })

  test('is had back from a generated seed', () => {
    const seed = generateAccountSeed()
    expect(accountFromSeed(seed).id).toBe(accountFromSeed(seed.toUpperCase()).id)
  })

  test.each(['', '01', 'zz'.repeat(32), '01'.repeat(33)])('is not made from the seed %j', (seed) => {
    expect(() => accountFromSeed(seed)).toThrow(refusesWith('ACCOUNT_INVALID'))
  })
})
