import { expect, test } from 'vitest'
import {
  isNamespace,
  isPublicInbox,
  isPublicOutbox,
  isRetrievedWithoutAuthentication,
  isUnrevocable,
  namespaceText,
} from '../../../src/protocol/namespace.ts'

test('namespaces are signed 16-bit integers', () => {
  expect([-32_769, -32_768, 0, 32_767, 32_768, 0.5, Number.NaN].filter(isNamespace)).toEqual([-32_768, 0, 32_767])
})

test('multiples of ten are public inboxes, negative ones too', () => {
  expect([-10, -1, 0, 1, 5, 10, 11, 32_760].filter(isPublicInbox)).toEqual([-10, 0, 10, 32_760])
})

test('every twentieth namespace below -1 is a public outbox', () => {
  expect([1, 21, -1, -11, -20, -21, -41, 0].filter(isPublicOutbox)).toEqual([-1, -21, -41])
})

test('public outboxes and legacy groups are retrieved without a signature', () => {
  expect([0, -10, -20, -1, -21, -11, 5].filter(isRetrievedWithoutAuthentication)).toEqual([-10, -1, -21])
})

test('revoked subaccounts still read every hundredth namespace below -11', () => {
  expect([11, -11, -111, -1, -21, -100, -1011].filter(isUnrevocable)).toEqual([-11, -111, -1011])
})

test('namespace 0 contributes nothing to signed text', () => {
  expect([0, 5, -11].map(namespaceText)).toEqual(['', '5', '-11'])
})
