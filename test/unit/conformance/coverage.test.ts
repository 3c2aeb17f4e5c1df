// The list of cases is whole: every method of the protocol, every refusal that it names, every kind of case.
import { expect, test } from 'vitest'
import { CASES } from '../../../conformance/case-list.ts'
import { COVERAGE, missingCoverage } from '../../../conformance/coverage.ts'
import { PARSERS } from '../../../src/protocol/client-api/methods.ts'

test('every method that nodes answer has a line', () => {
  expect(Object.keys(COVERAGE).sort()).toEqual(Object.keys(PARSERS).sort())
})

test('there is a case for all that each method needs', () => {
  expect(missingCoverage(CASES)).toEqual([])
})

test.each(Object.keys(PARSERS))('without its cases, %s is missed', (method) => {
  const others = CASES.filter(({ subject }) => subject !== method)
  expect(missingCoverage(others).some((line) => line.startsWith(`${method}: `))).toBe(true)
})

test('no two cases of a subject have the same name', () => {
  const names = CASES.map(({ subject, name }) => `${subject}: ${name}`)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})
