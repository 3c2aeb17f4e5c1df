// What `npm run build` makes of the SDK for browsers.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleForBrowser, describeSize } from '../../../scripts/browser-bundle.ts'
import * as sdk from '../../../src/client/index.ts'

/** Growth beyond this is somebody's large new dependency, which pages would have to load. */
const BYTES_MAX = 200 * 1024

let folder: string
let file: string
let bytes: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-bundle-'))
  file = join(folder, 'starling-client.mjs')
  bytes = (await bundleForBrowser({ entry: 'src/client/index.ts', file, minify: true })).bytes
})
afterAll(() => rm(folder, { recursive: true }))

test('it is one small module that imports nothing', async () => {
  const text = await readFile(file, 'utf8')
  expect(text).not.toMatch(/\bimport\s*[("'{*]|\bfrom\s*["']/)
  expect(bytes).toBe(Buffer.byteLength(text))
  expect(bytes).toBeLessThan(BYTES_MAX)
})

test('nothing in it needs Node', async () => {
  const text = await readFile(file, 'utf8')
  const leftovers = /\bBuffer\b|\bprocess\.\w+|\brequire\(|["'`]node:|\bsodium\b|\bsetImmediate\b|__dirname/g
  expect(text.match(leftovers) ?? []).toEqual([])
})

test('it exports what the SDK exports in Node', async () => {
  const bundle = await import(/* @vite-ignore */ pathToFileURL(file).href)
  expect(Object.keys(bundle).sort()).toEqual(Object.keys(sdk).sort())
  const seed = sdk.generateAccountSeed()
  expect(bundle.accountFromSeed(seed).id).toBe(sdk.accountFromSeed(seed).id)
})

test('a module of Node, or one that is missing, fails the build', async () => {
  const entry = join(folder, 'entry.ts')
  const build = () => bundleForBrowser({ entry, file: join(folder, 'out.mjs'), minify: false })
  await writeFile(entry, "import { hostname } from 'node:os'\nconsole.log(hostname())")
  await expect(build()).rejects.toThrow('node:os')
  await writeFile(entry, "import { missing } from './missing.ts'\nconsole.log(missing)")
  await expect(build()).rejects.toThrow('./missing.ts')
})

test('its size is told in KiB', () => {
  expect(describeSize({ bytes: 107_091, gzipBytes: 38_912 })).toBe('105 KiB, 38 KiB compressed')
})
