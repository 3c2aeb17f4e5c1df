import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { safeChecksum } from '../../../../src/staking/operator/safe-checksum.ts'

test("a batch has the checksum that Safe's Transaction Builder gives it, whatever its name", async () => {
  const path = join(import.meta.dirname, '../../../vectors/safe-batch.json')
  const { batch, checksum } = JSON.parse(await readFile(path, 'utf8'))
  expect(safeChecksum(batch)).toBe(checksum)
  expect(safeChecksum({ ...batch, meta: { ...batch.meta, name: 'another' } })).toBe(checksum)
  const turned = { ...batch, transactions: batch.transactions.toReversed() }
  expect(safeChecksum(turned)).not.toBe(checksum)
})
