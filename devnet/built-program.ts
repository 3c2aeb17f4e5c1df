import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { HOUR } from '../src/base/clock.ts'

const ROOT = join(import.meta.dirname, '..')
/** Beside what npm installs: below the folder for temporary files it would stay behind, and others could write to it. */
const FOLDER = join(ROOT, 'node_modules/.cache/starling')
const SCRIPT = join(ROOT, 'scripts/bundle-program.ts')
/** What the bundle is made from. */
const SOURCES = ['src/**/*.ts', 'config/*', 'scripts/*program*.ts', 'package.json', 'package-lock.json']
/** A bundle of sources that have changed since may still be in use by what was started with it. */
const OLD_MS = 3 * HOUR

/** What NODE_COMPILE_CACHE is for processes that run from the sources: half of what a short one costs is to compile its code. */
export const COMPILE_CACHE = join(FOLDER, 'compiled')

/** What a devnet or a test starts, with its environment. */
export interface BuiltProgram {
  readonly main: string
  readonly env: { readonly NODE_COMPILE_CACHE: string }
}

let built: BuiltProgram | undefined

/**
 * The program as `npm run build` makes it, of the sources as they are now: a node starts in half the time that it takes from the
 * sources themselves, and tests start hundreds. A process that has asked once is not told of later changes.
 */
export function builtProgram(): BuiltProgram {
  built ??= build()
  return built
}

function build(): BuiltProgram {
  const folder = join(FOLDER, `program-${digestOfSources()}`)
  const program = programIn(folder)
  if (existsSync(program.main)) return program
  const made = `${folder}.${process.pid}`
  try {
    const env = { ...process.env, NO_COLOR: '1' }
    execFileSync(process.execPath, [SCRIPT, join(made, 'dist/cli')], { stdio: ['ignore', 'ignore', 'pipe'], env })
  } catch (error) {
    rmSync(made, { recursive: true, force: true })
    // One broken command is no reason to start none; the test of the package says that it cannot be built.
    console.error(`The program cannot be bundled, so it runs from the sources: ${reasonOf(error)}`)
    return { main: join(ROOT, 'src/cli/main.ts'), env: { NODE_COMPILE_CACHE: COMPILE_CACHE } }
  }
  cpSync(join(ROOT, 'package.json'), join(made, 'package.json'))
  symlinkSync(join(ROOT, 'config'), join(made, 'config'))
  try {
    renameSync(made, folder)
  } catch {
    // Another process was first.
    rmSync(made, { recursive: true, force: true })
  }
  removeOld()
  return program
}

function programIn(folder: string): BuiltProgram {
  return { main: join(folder, 'dist/cli/main.js'), env: { NODE_COMPILE_CACHE: join(folder, 'compiled') } }
}

/** The bundler's own line, such as `[MISSING_EXPORT] "a" is not exported by "b.ts"`, out of the many around it. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return /^\[[A-Z_]+\].*$/m.exec(text)?.[0] ?? text
}

/** Of names, sizes and times, which costs some milliseconds. */
function digestOfSources(): string {
  const hash = createHash('sha256')
  for (const path of globSync(SOURCES, { cwd: ROOT }).sort()) {
    const { size, mtimeMs } = statSync(join(ROOT, path))
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}

function removeOld(): void {
  for (const name of readdirSync(FOLDER).filter((one) => one.startsWith('program-'))) {
    const path = join(FOLDER, name)
    const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
    if (Date.now() - madeMs > OLD_MS) rmSync(path, { recursive: true, force: true })
  }
}
