import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { type LockedModule, lockedModules } from './locked-modules.ts'

/** As Node names processors, with Debian's name for each. */
export const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' } as const

export type Cpu = keyof typeof ARCHITECTURES

export interface ApplicationTree {
  readonly modules: readonly LockedModule[]
}

/** What the bundled program does not hold itself: native code, and what is loaded only when it is asked for. */
const UNBUNDLED = ['classic-level', 'sodium-native', 'pino-pretty']
/** What only compilers and readers of sources use. */
const SOURCES = new Set([
  '.map',
  '.ts',
  '.mts',
  '.cts',
  '.c',
  '.cc',
  '.cpp',
  '.h',
  '.gyp',
  '.gypi',
  '.bare',
  '.flow',
  '.html',
])
const SOURCE_FOLDERS = new Set(['.github', '.vscode', '.husky', 'deps', 'docs', 'test', 'tests', 'bench', 'benchmark'])
const PAGES = /^(readme|changelog|history|contributing|upgrading|security|code_of_conduct)\b.*\.(md|markdown|txt)$/i

/**
 * Writes all that the program needs, and nothing else, to a new folder: the bundle as built, the presets, the locked packages that it does not
 * hold, for one kind of processor, and the Node.js that runs them.
 */
export function writeApplicationTree(repository: string, to: string, cpu: Cpu, epochS: number): ApplicationTree {
  if (!existsSync(join(repository, 'dist/cli/main.js'))) throw new Error('dist/ is not built: run npm run build')
  rmSync(to, { recursive: true, force: true })
  mkdirSync(join(to, 'bin'), { recursive: true })
  copyNode(repository, to, cpu)
  for (const name of ['package.json', 'LICENSE', 'config']) {
    cpSync(join(repository, name), join(to, name), { recursive: true })
  }
  cpSync(join(repository, 'dist/cli'), join(to, 'dist/cli'), { recursive: true })
  const modules = lockedModules(repository, UNBUNDLED, cpu)
  for (const { path } of modules) copyModule(join(repository, path), join(to, path), cpu)
  settle(to, epochS)
  return { modules }
}

function copyNode(repository: string, to: string, cpu: Cpu): void {
  const runtime = join(repository, 'node_modules', `node-linux-${cpu}`)
  if (!existsSync(runtime)) throw new Error(`node-linux-${cpu} is not installed: npm ci brings it on such a machine`)
  cpSync(join(runtime, 'bin/node'), join(to, 'bin/node'))
  cpSync(join(runtime, 'LICENSE'), join(to, 'bin/LICENSE'))
}

/** Packages inside of it are copied when their turn comes. */
function copyModule(from: string, to: string, cpu: Cpu): void {
  const isWanted = (path: string) => {
    if (path === from) return true
    const name = basename(path)
    if (name.startsWith('.') || name === 'node_modules' || SOURCE_FOLDERS.has(name)) return false
    if (path.includes('/prebuilds/')) return isPrebuilt(path, cpu)
    return !isSource(path) && !PAGES.test(name)
  }
  cpSync(from, to, { recursive: true, filter: isWanted })
}

/** Native parts for Debian on this processor; those for other systems are most of what is installed. */
function isPrebuilt(path: string, cpu: Cpu): boolean {
  const [platform = ''] = path.slice(path.indexOf('/prebuilds/') + '/prebuilds/'.length).split('/')
  return platform === `linux-${cpu}` && !path.endsWith('.bare') && !path.endsWith('.musl.node')
}

function isSource(path: string): boolean {
  return SOURCES.has(extname(path))
}

/** The same modes and times wherever and whenever it is made. */
export function settle(path: string, epochS: number): void {
  const stats = lstatSync(path)
  if (stats.isSymbolicLink()) return
  if (stats.isDirectory()) {
    for (const name of readdirSync(path)) settle(join(path, name), epochS)
    if (readdirSync(path).length === 0) {
      rmSync(path, { recursive: true })
      return
    }
  }
  chmodSync(path, stats.isDirectory() || isProgram(path) ? 0o755 : 0o644)
  utimesSync(path, epochS, epochS)
}

/** What is started as a program, by its loader where it has one; modules of packages are not, whatever their mode is. */
function isProgram(path: string): boolean {
  return /\/bin\/(node|starling)$|\/ld-linux[^/]*$|\/DEBIAN\/(preinst|postinst|prerm|postrm|config)$/.test(path)
}
