import { expect, test } from 'vitest'
import { CONTRACT_ADDRESS, checkFlags, IP_ADDRESS } from '../../../src/cli/options/check.ts'

const flags = {
  ip: { type: 'string', describe: 'An address', form: IP_ADDRESS },
  contract: { type: 'string', describe: 'A contract', form: CONTRACT_ADDRESS },
  folder: { type: 'string', describe: 'A folder' },
} as const
const good = { ip: '192.0.2.7', contract: `0x${'aB'.repeat(20)}`, folder: 'data' }

test('texts of the wanted form are taken', () => {
  expect(() => checkFlags(flags, good)).not.toThrow()
  expect(() => checkFlags(flags, { ...good, ip: '2001:db8::7' })).not.toThrow()
})

test.each([
  ['ip', ''],
  ['ip', 'localhost'],
  ['ip', '999.0.2.7'],
  ['ip', '192.0.2.7 '],
  ['contract', '0x12'],
  ['contract', `0x${'zz'.repeat(20)}`],
  ['folder', ''],
])('%s %j is refused by name', (name, value) => {
  expect(() => checkFlags(flags, { ...good, [name]: value })).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(`^${name} must be `) }),
  )
})
