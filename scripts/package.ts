// Makes what machines without npm run:
//
//     node scripts/package.ts                    build/starling_VERSION-1_amd64.deb, for Debian and its like
//     node scripts/package.ts tree --to FOLDER   the same program as a folder
//     node scripts/package.ts image --to FOLDER  the root file system of an image, see deploy/docker/Dockerfile
//
// It builds dist/ first, unless there is --built. --cpu x64|arm64 is this machine's when left out; node_modules/ must have been installed by
// npm ci. The same commit gives the same bytes: all files bear the time of the commit, or SOURCE_DATE_EPOCH.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ARCHITECTURES, type Cpu, writeApplicationTree } from './package/application-tree.ts'
import { writeDebianPackage } from './package/debian-package.ts'
import { writeImageRoot } from './package/image-root.ts'

const REPOSITORY = join(import.meta.dirname, '..')
const MIB = 1024 * 1024

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    to: { type: 'string' },
    cpu: { type: 'string', default: process.arch },
    revision: { type: 'string', default: '1' },
    built: { type: 'boolean', default: false },
  },
})

const [kind = 'deb', ...rest] = positionals
const KINDS: Readonly<Record<string, () => void>> = {
  deb: writeDeb,
  tree: writeTree,
  image: writeImage,
}
const write = KINDS[kind]
if (write === undefined || rest.length > 0) throw new Error('Usage: node scripts/package.ts [deb|tree|image] …')
const cpu = cpuOf(flags.cpu)
if (!flags.built) build()
write()

function writeTree(): void {
  writeApplicationTree(REPOSITORY, target(), cpu, epochS())
}

function writeImage(): void {
  writeImageRoot(REPOSITORY, target(), cpu, epochS())
}

function target(): string {
  if (flags.to === undefined) throw new Error(`${kind} takes --to FOLDER`)
  return resolve(flags.to)
}

function writeDeb(): void {
  const workFolder = mkdtempSync(join(tmpdir(), 'starling-deb-'))
  try {
    const file = writeDebianPackage({
      ...{ repository: REPOSITORY, workFolder, cpu, epochS: epochS(), revision: revisionOf(flags.revision) },
      toFolder: resolve(flags.to ?? join(REPOSITORY, 'build')),
    })
    const sum = createHash('sha256').update(readFileSync(file)).digest('hex')
    console.error(`${(statSync(file).size / MIB).toFixed(1)} MiB, SHA-256 ${sum}`)
    console.log(file)
  } finally {
    rmSync(workFolder, { recursive: true })
  }
}

function build(): void {
  execFileSync(process.execPath, [join(REPOSITORY, 'scripts/build.ts')], { cwd: REPOSITORY, stdio: ['ignore', 2, 2] })
}

/** A checkout knows when its commit was made; an archive of it has to be told. */
function epochS(): number {
  const told = process.env['SOURCE_DATE_EPOCH']
  const text = told ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: REPOSITORY, encoding: 'utf8' }).trim()
  if (/^\d{1,12}$/.test(text)) return Number(text)
  throw new Error('SOURCE_DATE_EPOCH must be seconds since 1970')
}

function revisionOf(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new Error('--revision must be a number from 1')
}

function cpuOf(name: string): Cpu {
  if (name in ARCHITECTURES) return name as Cpu
  throw new Error(`--cpu must be one of ${Object.keys(ARCHITECTURES).join(', ')}`)
}
