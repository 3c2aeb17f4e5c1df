import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PARSERS } from '../../../src/protocol/client-api/methods.ts'

test('every method has a file of its own, by its name', () => {
  const files = Object.keys(PARSERS).map((method) => `${method.replace('ifelse', 'if-else').replaceAll('_', '-')}.ts`)
  expect(readdirSync('src/rpc/methods').toSorted()).toEqual(files.toSorted())
})
