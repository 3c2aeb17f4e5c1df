import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { confirmByTyping } from '../../../src/cli/stake/confirmation.ts'
import { parseWholeUnits, wholeUnits } from '../../../src/staking/token-amount.ts'

const STAKE = { word: '25000', question: 'Type the amount, 25000, to stake it' }

function aTerminal({ isTTY = true } = {}) {
  const input = Object.assign(new PassThrough(), { isTTY })
  const output = Object.assign(new PassThrough(), { isTTY })
  return { input, output }
}

test('typing the amount confirms it', async () => {
  const terminal = aTerminal()
  const confirmed = confirmByTyping(STAKE, ['Stake 25000'], terminal)
  terminal.input.write(' 25000 \n')
  await confirmed
  const shown = String(terminal.output.read())
  expect(shown).toContain('Stake 25000\n')
  expect(shown).toContain('Type the amount, 25000, to stake it: ')
})

test.each(['yes\n', '2500\n', '\n', '25000.0\n'])('typing %j does not', async (typed) => {
  const terminal = aTerminal()
  const confirmed = confirmByTyping(STAKE, [], terminal)
  terminal.input.write(typed)
  await expect(confirmed).rejects.toMatchObject({ code: 'CONFIRMATION_REFUSED' })
})

test('an input that ends does not', async () => {
  const terminal = aTerminal()
  const confirmed = confirmByTyping(STAKE, [], terminal)
  terminal.input.end()
  await expect(confirmed).rejects.toMatchObject({ code: 'CONFIRMATION_REFUSED' })
})

test('without a terminal nobody is asked', async () => {
  await expect(confirmByTyping(STAKE, [], aTerminal({ isTTY: false }))).rejects.toMatchObject({
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

test('amounts are read exactly or not at all', () => {
  expect(parseWholeUnits('25000', 9)).toBe(25_000_000_000_000n)
  expect(parseWholeUnits('0.000000001', 9)).toBe(1n)
  expect(parseWholeUnits('007.5', 1)).toBe(75n)
  for (const text of ['', '-1', '1e3', '1.', '.5', '0x10', '1,5', ' 1', '0.0000000001']) {
    expect([text, parseWholeUnits(text, 9)]).toEqual([text, undefined])
  }
})
