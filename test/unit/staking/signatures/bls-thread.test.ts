import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { silentLogger } from '../../../../src/base/logger.ts'
import {
  aggregateBlsSignatures,
  BlsMessage,
  blsPublicKey,
  blsSign,
  generateBlsSecretKey,
} from '../../../../src/crypto/bls.ts'
import type { StakingError } from '../../../../src/staking/errors.ts'
import { type BlsThreadOptions, createBlsThread } from '../../../../src/staking/signatures/bls-thread.ts'
import { defaultSignatureOptions } from '../../../../src/staking/signatures/options.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const subject = { message: Buffer.from('message'), tag: Buffer.alloc(32, 3) }
const secretKey = generateBlsSecretKey()
const publicKey = blsPublicKey(secretKey)
const signature = blsSign(secretKey, new BlsMessage(subject.message, subject.tag))

const aThread = (options: Partial<BlsThreadOptions> = {}) =>
  createBlsThread({ log: silentLogger }, { ...defaultSignatureOptions, ...options })

/** A thread that runs this instead. */
async function aThreadOf(source: string, options: Partial<BlsThreadOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'starling-thread-'))
  const file = join(folder, 'worker.mjs')
  await writeFile(file, `import { parentPort } from 'node:worker_threads'\n${source}`)
  const thread = aThread({ workerFile: pathToFileURL(file), ...options })
  return {
    thread,
    async [Symbol.asyncDispose]() {
      await thread[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

const signing = { kind: 'sign', ...subject, secretKey } as const

test('it signs, verifies and collects as the library does', async () => {
  await using thread = aThread()
  expect(Buffer.from(await thread.run<'sign'>(signing)).equals(signature)).toBe(true)
  const other = generateBlsSecretKey()
  const shares = [
    { publicKey, signature },
    { publicKey: blsPublicKey(other), signature },
  ]
  const collected = await thread.run<'collect'>({ kind: 'collect', ...subject, shares, budgetMs: 10_000 })
  expect(collected).toMatchObject({ right: [0], wrong: [1], unchecked: [] })
  expect(Buffer.from(collected.signature ?? []).equals(signature)).toBe(true)
  const both = aggregateBlsSignatures([signature, blsSign(other, new BlsMessage(subject.message, subject.tag))])
  const verify = (sum: Uint8Array) => {
    const publicKeys = [publicKey, blsPublicKey(other)]
    return thread.run<'verify'>({ kind: 'verify', ...subject, publicKeys, signature: sum })
  }
  expect(await verify(both ?? new Uint8Array())).toBe(true)
  expect(await verify(signature)).toBe(false)
  expect(await verify(Buffer.alloc(128))).toBe(false)
})

test('a task that makes it crash fails alone', async () => {
  await using thread = aThread()
  const bad = thread.run<'sign'>({ ...signing, secretKey: Buffer.alloc(32) })
  const good = thread.run<'sign'>(signing)
  await expect(bad).rejects.toEqual(code('SIGNATURE_WORK_FAILED'))
  expect(Buffer.from(await good).equals(signature)).toBe(true)
})

test('a thread that ends by itself is replaced', async () => {
  await using ending = await aThreadOf(`parentPort.on('message', () => process.exit(0))`)
  await expect(ending.thread.run<'sign'>(signing)).rejects.toEqual(code('SIGNATURE_WORK_FAILED'))
  await expect(ending.thread.run<'sign'>(signing)).rejects.toEqual(code('SIGNATURE_WORK_FAILED'))
})

test('a task that never ends is ended, and the next one is done', async () => {
  const source = `parentPort.on('message', ({ kind }) => { if (kind === 'verify') for (;;) {}; parentPort.postMessage(kind) })`
  await using hanging = await aThreadOf(source, { blsTaskTimeoutMs: 300 })
  const verify = { kind: 'verify', ...subject, publicKeys: [], signature } as const
  const [first, second] = [hanging.thread.run<'verify'>(verify), hanging.thread.run<'verify'>(verify)]
  const outcomes = await Promise.allSettled([first, second])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(first).rejects.toEqual(code('SIGNATURE_WORK_FAILED'))
  await using patient = await aThreadOf(source)
  expect(await patient.thread.run<'sign'>(signing)).toBe('sign')
})

test('a task that never ends is ended although its caller has gone', async () => {
  const source = `parentPort.on('message', ({ kind }) => { if (kind === 'verify') for (;;) {}; parentPort.postMessage(kind) })`
  await using hanging = await aThreadOf(source, { blsTaskTimeoutMs: 1000 })
  const caller = new AbortController()
  const verify = { kind: 'verify', ...subject, publicKeys: [], signature } as const
  const abandoned = hanging.thread.run<'verify'>(verify, caller.signal)
  caller.abort(new Error('called off'))
  await expect(abandoned).rejects.toThrow('called off')
  // Its time may be over before the thread is replaced; the thread works again all the same.
  const outcomes: string[] = []
  while (!outcomes.includes('sign')) {
    outcomes.push(await hanging.thread.run<'sign'>(signing).then(String, ({ code }: StakingError) => code))
    if (outcomes.length > 3) break
  }
  expect(outcomes).toContain('sign')
})

test('more tasks than may wait are refused, and one that is called off leaves its place', async () => {
  await using silent = await aThreadOf(`parentPort.on('message', () => {})`, { blsTasksMax: 2 })
  const first = silent.thread.run<'sign'>(signing)
  const caller = new AbortController()
  const second = silent.thread.run<'sign'>(signing, caller.signal)
  await expect(silent.thread.run<'sign'>(signing)).rejects.toEqual(code('SIGNATURES_BUSY'))
  caller.abort(new Error('called off'))
  await expect(second).rejects.toThrow('called off')
  const waiting = Promise.allSettled([first, silent.thread.run<'sign'>(signing)])
  await silent.thread[Symbol.asyncDispose]()
  const stopped = { status: 'rejected', reason: code('SIGNATURE_WORK_FAILED') }
  expect(await waiting).toEqual([stopped, stopped])
  await expect(silent.thread.run<'sign'>(signing)).rejects.toEqual(code('SIGNATURE_WORK_FAILED'))
})

test('a process whose threads have nothing to do ends by itself', async () => {
  const program = `
    import { createBlsThread } from './src/staking/signatures/bls-thread.ts'
    import { generateBlsSecretKey } from './src/crypto/bls.ts'
    const log = { debug() {}, warn() {} }
    const thread = createBlsThread({ log }, { blsTasksMax: 1, blsTaskTimeoutMs: 20_000 })
    const message = Buffer.from('message')
    const signature = await thread.run({ kind: 'sign', message, tag: Buffer.alloc(32), secretKey: generateBlsSecretKey() })
    console.log(signature.length)
  `
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '--eval', program])
  expect(stdout).toBe('128\n')
})
