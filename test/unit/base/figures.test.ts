import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/base/clock.ts'
import {
  bytes,
  count,
  counted,
  dateTime,
  duration,
  percent,
  rate,
  shortKey,
  timeOfDay,
} from '../../../src/base/figures.ts'

test('durations are told in their two largest units', () => {
  const told = [0, 999, SECOND, 61 * SECOND, HOUR, HOUR + 5 * MINUTE + 9 * SECOND, 3 * DAY + 4 * HOUR, 400 * DAY, -5]
  expect(told.map(duration)).toEqual(['0 s', '0 s', '1 s', '1 min 1 s', '1 h', '1 h 5 min', '3 d 4 h', '400 d', '0 s'])
})

test('rates and bytes are short', () => {
  expect([0, 0.04, 0.44, 1, 9.99, 12.6, 999, 1234, 5e7].map(rate)).toEqual([
    ...['0', '0.0', '0.4', '1', '10.0', '13', '999', '1.2 k', '50 M'],
  ])
  expect([0, 1, 1023, 1024, 1536, 10 * 1024 ** 3, 2 ** 60].map(bytes)).toEqual([
    ...['0 B', '1 B', '1,023 B', '1 KiB', '1.5 KiB', '10 GiB', '1,024 PiB'],
  ])
})

test('nothing is whole before it is', () => {
  expect([0, 0.999, 1].map(percent)).toEqual(['0 %', '99 %', '100 %'])
})

test('counts, keys and times are as people write them', () => {
  expect(count(1234567)).toBe('1,234,567')
  expect([counted(1, 'member'), counted(2, 'member')]).toEqual(['1 member', '2 members'])
  expect([shortKey('ab'.repeat(32)), shortKey('3f2a')]).toEqual(['ababab…abab', '3f2a'])
  const moment = Date.UTC(2026, 10, 23, 14, 3, 22)
  expect([dateTime(moment), timeOfDay(moment)]).toEqual(['2026-11-23 14:03 UTC', '14:03:22 UTC'])
  expect(dateTime(1e20)).toBe('an impossible date')
})
