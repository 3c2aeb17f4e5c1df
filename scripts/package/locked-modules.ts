import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What package-lock.json says of one package. */
interface LockedPackage extends Needs {
  readonly version: string
  readonly integrity?: string
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
}

interface Needs {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

type Lock = Readonly<Record<string, LockedPackage>>

/** A package that the program needs, in its place below the repository. */
export interface LockedModule {
  /** `node_modules/ox/node_modules/@noble/hashes`. */
  readonly path: string
  readonly name: string
  readonly version: string
}

/**
 * These packages and all that they need, from the lock file and as they are installed. What they would only use if it were there is none of it.
 * @throws when what is installed is not what is locked
 */
export function lockedModules(repository: string, names: readonly string[], cpu: string): readonly LockedModule[] {
  const locked = lockOf(join(repository, 'package-lock.json'))
  const installed = lockOf(join(repository, 'node_modules/.package-lock.json'))
  const found = new Map<string, LockedModule>()
  const pending = names.map((name) => placeOf(locked, '', name))
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (found.has(path)) continue
    refuseOther(path, locked[path], installed[path])
    found.set(path, { path, name: nameOf(path), version: locked[path]?.version ?? '' })
    pending.push(...neededBy(locked, path, cpu))
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function lockOf(file: string): Lock {
  return (JSON.parse(readFileSync(file, 'utf8')) as { packages: Lock }).packages
}

function refuseOther(path: string, locked: LockedPackage | undefined, installed: LockedPackage | undefined): void {
  if (locked?.integrity !== undefined && locked.integrity === installed?.integrity) return
  throw new Error(`${path} is not installed as package-lock.json has it: run npm ci`)
}

/** Paths of what a package needs. */
function neededBy(lock: Lock, path: string, cpu: string): string[] {
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  }: Needs = lock[path] ?? {}
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
  const needed = [...Object.keys(dependencies), ...peers].map((name) => placeOf(lock, path, name))
  const possible = Object.keys(optionalDependencies)
    .map((name) => placeOf(lock, path, name))
    .filter((place) => fits(lock[place], cpu))
  return [...needed, ...possible]
}

/** Where Node would find it: beside, or beside one of the packages around. */
function placeOf(lock: Lock, from: string, name: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name)
    if (place in lock) return place
    if (folder === '.' || folder === '') throw new Error(`package-lock.json has no ${name}, which ${from} needs`)
  }
}

function fits(locked: LockedPackage | undefined, cpu: string): boolean {
  return (locked?.os?.includes('linux') ?? true) && (locked?.cpu?.includes(cpu) ?? true)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}
