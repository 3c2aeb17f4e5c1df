import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as browser from '../../../src/base/browser/byte-forms.ts'
import * as node from '../../../src/base/byte-forms.ts'

const someBytes = fc.uint8Array({ maxLength: 100 })
const plain = (bytes: Uint8Array) => [...bytes]

test('in a browser, bytes have the same forms as in Node', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(someBytes, fc.array(someBytes, { maxLength: 4 }), text, (bytes, parts, text) => {
      const [hex, base64] = [node.hexOf(bytes), node.base64Of(bytes)]
      expect(browser.hexOf(bytes)).toBe(hex)
      expect(browser.base64Of(bytes)).toBe(base64)
      for (const written of [hex, hex.toUpperCase()]) expect(plain(browser.bytesOfHex(written))).toEqual(plain(bytes))
      for (const written of [base64, base64.replace(/=+$/, '')])
        expect(plain(browser.bytesOfBase64(written))).toEqual(plain(bytes))
      expect(plain(browser.bytesOfText(text))).toEqual(plain(node.bytesOfText(text)))
      expect(plain(browser.joined(parts))).toEqual(plain(node.joined(parts)))
    }),
  )
})

test('in a browser, the spare bits of base64 are ignored, and half of a character is replaced, as in Node', () => {
  for (const text of ['AB', 'AB==', 'AAB=', '//'])
    expect(plain(browser.bytesOfBase64(text))).toEqual(plain(node.bytesOfBase64(text)))
  for (const text of ['\ud800', 'a\udc00b', '\ufeffa'])
    expect(plain(browser.bytesOfText(text))).toEqual(plain(node.bytesOfText(text)))
})

test('in a browser, what is no base64 has no bytes that would be written like it, as in Node', () => {
  for (const text of ['A', 'AA=A', 'AA A', '-_-_', 'AAAé', '!!!!']) {
    expect(browser.base64Of(browser.bytesOfBase64(text))).not.toBe(text)
    expect(node.base64Of(node.bytesOfBase64(text))).not.toBe(text)
  }
})

test('in a browser, texts as long as the largest request are read and written', () => {
  const bytes = new Uint8Array(10 * 1024 * 1024).fill(0xa7)
  const base64 = browser.base64Of(bytes)
  expect(base64 === node.base64Of(bytes)).toBe(true)
  expect(browser.areEqual(browser.bytesOfBase64(base64), bytes)).toBe(true)
  expect(
    browser.areEqual(browser.bytesOfHex(browser.hexOf(bytes.subarray(0, 100_000))), bytes.subarray(0, 100_000)),
  ).toBe(true)
})

test('in a browser, bytes are equal when all of them are', () => {
  fc.assert(
    fc.property(someBytes, someBytes, (a, b) => {
      expect(browser.areEqual(a, b)).toBe(node.areEqual(a, b))
      expect(browser.areEqual(a, Uint8Array.from(a))).toBe(true)
      expect(browser.areEqual(a, Uint8Array.of(...a, 0))).toBe(false)
    }),
  )
})
