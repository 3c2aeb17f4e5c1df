import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { networkIdOf } from '../../../src/protocol/network-id.ts'
import type { Member, MembershipEpoch } from '../../../src/protocol/service-node.ts'
import { epochFilePath, readEpochFile, writeEpochFile } from '../../../src/staking/epoch-file.ts'
import { memberRoot } from '../../../src/staking/member-root.ts'
import { readStateFile, writeStateFile } from '../../../src/staking/state-file.ts'
import { aNode, temporaryFolder } from './staked-chain.ts'

const member = (id: bigint): Member => ({
  id,
  ...aNode().keys,
  operator: '0x00000000000000000000000000000000000000aa',
  addedTimestampS: 1000n,
  leaveRequestTimestampS: (1n << 64n) - 1n,
  depositAtomic: (1n << 256n) - 1n,
})

const epoch = (index: number, members: readonly Member[]): MembershipEpoch => ({
  index,
  blockNumber: 77n,
  blockHash: `0x${'ab'.repeat(32)}`,
  blockTimestampS: 1234n,
  members,
  root: memberRoot(members),
})

const scope = { network: networkIdOf(31337, `0x${'11'.repeat(20)}`), epochLengthS: 600 }

test('epochs are read back as they were written', async () => {
  await using folder = await temporaryFolder()
  const path = epochFilePath(folder.path)
  const members = [member(1n), member((1n << 64n) - 1n)]
  const kept = { current: epoch(9, members), previous: epoch(8, []) }
  await writeEpochFile(path, scope, kept)
  expect(await readEpochFile(path, scope)).toEqual(kept)
  await writeEpochFile(path, scope, { ...kept, previous: undefined })
  expect(await readEpochFile(path, scope)).toEqual({ ...kept, previous: undefined })
  expect(await readdir(folder.path)).toEqual(['membership.json'])
})

test('epochs of another network or length are not ours', async () => {
  await using folder = await temporaryFolder()
  const path = epochFilePath(folder.path)
  expect(await readEpochFile(path, scope)).toBeUndefined()
  await writeEpochFile(path, scope, { current: epoch(9, [member(1n)]), previous: undefined })
  expect(await readEpochFile(path, { ...scope, epochLengthS: 60 })).toBeUndefined()
  const network = networkIdOf(1, `0x${'11'.repeat(20)}`)
  expect(await readEpochFile(path, { ...scope, network })).toBeUndefined()
})

test('a file that was cut short anywhere is damaged', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.json')
  await writeStateFile(path, { a: [1, 'two', null], b: { c: true } })
  const whole = await readFile(path)
  for (let length = 0; length < whole.length; length++) {
    await writeFile(path, whole.subarray(0, length))
    await expect(readStateFile(path, 1000)).rejects.toMatchObject({ code: 'STATE_FILE_DAMAGED' })
  }
})

test('a changed byte is noticed', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.json')
  const state = { value: 'abc' }
  await writeStateFile(path, state)
  const whole = await readFile(path)
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole)
    changed[at] = (changed[at] ?? 0) ^ 1
    await writeFile(path, changed)
    await expect(readStateFile(path, 1000)).rejects.toMatchObject({ code: 'STATE_FILE_DAMAGED' })
  }
})

test('a file larger than allowed is not read', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.json')
  await writeStateFile(path, { value: 'x'.repeat(1000) })
  await expect(readStateFile(path, 999)).rejects.toMatchObject({ code: 'STATE_FILE_DAMAGED' })
})
