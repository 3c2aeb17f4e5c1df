import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { wholeUnits } from '../../../src/cli/stake/amount.ts'
import { confirmAmount } from '../../../src/cli/stake/confirmation.ts'

function aTerminal({ isTTY = true } = {}) {
  const input = Object.assign(new PassThrough(), { isTTY })
  const output = Object.assign(new PassThrough(), { isTTY })
  return { input, output }
}

test('typing the amount confirms it', async () => {
  const terminal = aTerminal()
  const confirmed = confirmAmount('25000', ['Stake 25000'], terminal)
  terminal.input.write(' 25000 \n')
  await confirmed
  const shown = String(terminal.output.read())
  expect(shown).toContain('Stake 25000\n')
  expect(shown).toContain('Type the amount, 25000, to stake it: ')
})

test.each(['yes\n', '2500\n', '\n', '25000.0\n'])('typing %j does not', async (typed) => {
  const terminal = aTerminal()
  const confirmed = confirmAmount('25000', [], terminal)
  terminal.input.write(typed)
  await expect(confirmed).rejects.toMatchObject({ code: 'CONFIRMATION_REFUSED' })
})

test('an input that ends does not', async () => {
  const terminal = aTerminal()
  const confirmed = confirmAmount('25000', [], terminal)
  terminal.input.end()
  await expect(confirmed).rejects.toMatchObject({ code: 'CONFIRMATION_REFUSED' })
})

test('without a terminal nobody is asked', async () => {
  await expect(confirmAmount('25000', [], aTerminal({ isTTY: false }))).rejects.toMatchObject({
    code: 'CONFIRMATION_IMPOSSIBLE',
  })
})

test('amounts are written exactly', () => {
  expect(wholeUnits(25_000_000_000_000n, 9)).toBe('25000')
  expect(wholeUnits(1n, 9)).toBe('0.000000001')
  expect(wholeUnits(1_500_000_000n, 9)).toBe('1.5')
  expect(wholeUnits(0n, 9)).toBe('0')
  expect(wholeUnits(7n, 0)).toBe('7')
})
