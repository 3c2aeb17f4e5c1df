import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { networkIdOf } from '../../../../src/protocol/network-id.ts'
import { StakingError } from '../../../../src/staking/errors.ts'
import type { LedgerNode } from '../../../../src/staking/rewards/ledger-event.ts'
import { type KeptLedger, readLedgerFile, writeLedgerFile } from '../../../../src/staking/rewards/ledger-file.ts'
import { writeStateFile } from '../../../../src/staking/state-file.ts'
import { temporaryFolder } from '../staked-chain.ts'

const scope = {
  network: networkIdOf(1, `0x${'c0'.repeat(20)}`),
  periodS: 86_400,
  ageMinS: 86_400,
  liquidationLockS: 2_592_000,
}
const ADDRESS = `0x${'aa'.repeat(20)}` as const
const HASH = `0x${'bb'.repeat(32)}` as const
const node: LedgerNode = {
  id: 2n ** 64n - 1n,
  bls: 'cc'.repeat(64),
  feeBasisPoints: 65_535,
  contributors: [{ owner: ADDRESS, beneficiary: ADDRESS, stakedAtomic: 25n }],
}
const KEPT: KeptLedger = {
  pool: ADDRESS,
  firstBlock: 7n,
  history: {
    base: {
      end: { number: -1n, hash: HASH, timestampS: 0n },
      ledger: {
        openPeriod: 3,
        potAtomic: 2n ** 255n,
        isPaid: false,
        nodes: [{ ...node, since: 2 }],
        liquidated: [9n],
        pending: [{ period: 5, address: ADDRESS, amountAtomic: 1n }],
        totals: [[ADDRESS, 2n ** 256n - 1n]],
      },
    },
    segments: [
      {
        end: { number: 9n, hash: HASH, timestampS: 1_700_000_000n },
        events: [
          { kind: 'registered', period: 3, node },
          { kind: 'liquidated', period: 3, id: 1n },
          { kind: 'exited', period: 3, id: 1n, returnedAtomic: 24n },
          { kind: 'released', period: 4, amountAtomic: 1n },
          { kind: 'redirected', period: 4, paysContract: true },
        ],
      },
    ],
  },
  snapshot: { index: 2, block: { number: 8n, hash: HASH }, root: 'dd'.repeat(32) },
  roots: [[2, 'dd'.repeat(32)]],
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let path: string

beforeAll(async () => {
  folder = await temporaryFolder()
  path = join(folder.path, 'rewards.json')
})
afterAll(() => folder[Symbol.asyncDispose]())

test('a ledger comes back as it was', async () => {
  for (const kept of [KEPT, { ...KEPT, snapshot: undefined, roots: [] }]) {
    await writeLedgerFile(path, scope, kept)
    expect(await readLedgerFile(path, scope)).toEqual(kept)
  }
})

test('a ledger of another network, or by other rules, is not ours', async () => {
  await writeLedgerFile(path, scope, KEPT)
  for (const other of [
    { network: networkIdOf(2, `0x${'c0'.repeat(20)}`) },
    { periodS: 20 },
    { ageMinS: 0 },
    { liquidationLockS: 1 },
  ])
    expect(await readLedgerFile(path, { ...scope, ...other })).toBeUndefined()
})

test('a file cut short anywhere is damaged', async () => {
  await writeLedgerFile(path, scope, KEPT)
  const whole = await readFile(path)
  for (let size = 0; size < whole.length; size += 37) {
    await writeFile(path, whole.subarray(0, size))
    await expect(readLedgerFile(path, scope)).rejects.toMatchObject({ code: 'STATE_FILE_DAMAGED' })
  }
})

test('any value in the place of any other is read or found damaged, nothing else', async () => {
  await writeLedgerFile(path, scope, KEPT)
  const { state } = JSON.parse(await readFile(path, 'utf8')) as { state: object }
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.jsonValue({ maxDepth: 1 }), async (at, value) => {
      const places: { holder: Record<string, unknown>; key: string }[] = []
      const changed: unknown = JSON.parse(JSON.stringify(state), function (this: Record<string, unknown>, key, inner) {
        if (key !== '') places.push({ holder: this, key })
        return inner as unknown
      })
      const place = places[at % places.length]
      if (place !== undefined) place.holder[place.key] = value
      await writeStateFile(path, changed as never)
      try {
        await readLedgerFile(path, scope)
      } catch (error) {
        expect(error).toBeInstanceOf(StakingError)
      }
    }),
    { numRuns: 200 },
  )
})
