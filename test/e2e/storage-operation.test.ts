// Backups, and a disk that fails, as an operator meets them: with real nodes in a network.
import { execFileSync } from 'node:child_process'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DevnetNode } from '../../devnet/network.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { DirectWriter, hashesOn } from '../support/direct-writer.ts'
import { eventually } from '../support/eventually.ts'
import { readReadiness } from '../support/node-metrics.ts'
import { type ProgramEnd, runStarling } from '../support/program.ts'

let devnet: Awaited<ReturnType<typeof startTestDevnet>>
beforeAll(async () => {
  devnet = await startTestDevnet({ nodes: 4, logLevel: 'warn' })
})
afterAll(() => devnet?.[Symbol.asyncDispose]())

function nodeAt(index: number): DevnetNode {
  const node = devnet.nodes[index]
  if (node === undefined) throw new Error(`There is no node ${index}`)
  return node
}

const configOf = (node: DevnetNode) => ['--config', join(node.folder, 'starling.yml')]
const said = ({ stdout }: ProgramEnd) => JSON.parse(stdout) as Record<string, unknown>

test('a running node is backed up, and after its disk was lost, the backup and its swarm make it whole', async () => {
  const node = nodeAt(0)
  const to = join(devnet.folder, 'backup')
  await using writer = new DirectWriter(devnet.nodes, 4, () => nodeAt(1))
  await writer.more(40)
  const made = await runStarling(['backup', ...configOf(node), '--to', to, '--json'])
  expect([made.code, made.stderr]).toEqual([EXIT.ok, ''])
  expect(said(made)).toMatchObject({ backedUp: true, running: true, node: node.key })
  const again = await runStarling(['backup', ...configOf(node), '--to', to, '--json'])
  expect([again.code, said(again)]).toMatchObject([EXIT.usage, { error: { code: 'BACKUP_EXISTS' } }])
  const early = await runStarling(['restore', ...configOf(node), '--from', to, '--json'])
  expect([early.code, said(early)]).toMatchObject([EXIT.usage, { error: { code: 'RESTORE_NOT_EMPTY' } }])
  await writer.more(10)
  await node.runner.stop('SIGTERM')
  const stopped = await runStarling(['backup', ...configOf(node), '--to', `${to}-stopped`, '--json'])
  expect([stopped.code, said(stopped)]).toMatchObject([EXIT.ok, { running: false }])
  await writer.more(10)
  await writer.stop()

  await rename(join(node.folder, 'data', 'messages'), join(node.folder, 'lost'))
  const nothing = await runStarling(['backup', ...configOf(node), '--to', `${to}-none`, '--json'])
  expect([nothing.code, said(nothing)]).toMatchObject([EXIT.notRunning, { error: { code: 'BACKUP_NOTHING' } }])
  const foreign = ['--from', to, '--contract', `0x${'99'.repeat(20)}`, '--json']
  const refused = await runStarling(['restore', ...configOf(node), ...foreign])
  expect([refused.code, said(refused)]).toMatchObject([EXIT.usage, { error: { code: 'BACKUP_OF_OTHER_NETWORK' } }])
  const restored = await runStarling(['restore', ...configOf(node), '--from', to, '--json'])
  expect([restored.code, said(restored)]).toMatchObject([EXIT.ok, { restored: true }])
  await devnet.start(node)
  const { account, acknowledged } = writer.ledger[0] ?? { account: undefined, acknowledged: new Set() }
  if (account === undefined) throw new Error('unreachable')
  await eventually('the node holds all that was promised', async () => {
    const held = await hashesOn(node, account)
    return [...acknowledged].every((hash) => held.has(hash as never)) || undefined
  })
  await rm(join(node.folder, 'lost'), { recursive: true })
})

test('a node whose disk fails says so, ends with a code of its own, and has all it signed for when it starts again', async () => {
  const node = nodeAt(1)
  await using writer = new DirectWriter(devnet.nodes, 4, () => node)
  await writer.more(20)
  // From now on the system refuses whatever would make a file of this process longer than that: first the log of LevelDB.
  execFileSync('prlimit', ['--pid', String(node.runner.pid), '--fsize=200000'])
  const reasons = await eventually('the node is not ready', async () => {
    const { ready, reasons: told } = await readReadiness(node)
    return ready ? undefined : told
  })
  expect(reasons).toMatchObject([{ part: 'storage', reason: expect.stringContaining('Writing the message database') }])
  expect(await node.runner.ended).toBe(EXIT.disk)
  await writer.stop()
  await devnet.start(node)
  for (const { account, signedBy } of writer.ledger) {
    const held = await hashesOn(node, account)
    const promised = [...(signedBy.get(node.key) ?? [])]
    expect(promised.length).toBeGreaterThan(0)
    expect(promised.filter((hash) => !held.has(hash))).toEqual([])
  }
})
