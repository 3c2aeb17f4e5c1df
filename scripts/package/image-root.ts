import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Cpu, settle, writeApplicationTree } from './application-tree.ts'

/** Whom the node runs as: a number, since orchestrators ask for one, and the same as that of other images without a shell. */
export const IMAGE_USER = 65_532

const FILES = {
  'etc/passwd': `starling:x:${IMAGE_USER}:${IMAGE_USER}::/var/lib/starling:/nonexistent\n`,
  'etc/group': `starling:x:${IMAGE_USER}:\n`,
  'etc/nsswitch.conf': 'hosts: files dns\n',
} as const

/**
 * Writes the root file system of an image, with the program and, from the system that this runs on, the libraries that it and its
 * native packages load.
 */
export function writeImageRoot(repository: string, to: string, cpu: Cpu, epochS: number): void {
  const program = join(to, 'usr/lib/starling')
  writeApplicationTree(repository, program, cpu, epochS)
  mkdirSync(join(program, 'container'))
  for (const name of ['early-signals.mjs', 'health-check.mjs']) {
    cpSync(join(repository, 'deploy/docker', name), join(program, 'container', name))
  }
  const natives = globSync('node_modules/**/*.node', { cwd: program }).map((path) => join(program, path))
  for (const library of librariesOf([join(program, 'bin/node'), ...natives])) {
    mkdirSync(dirname(join(to, library)), { recursive: true })
    // What a link leads to, under the name that is asked for.
    copyFileSync(library, join(to, library))
  }
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    writeFileSync(join(to, path), content)
  }
  settle(to, epochS)
}

/** By the paths at which the loader looks for them. */
function librariesOf(programs: readonly string[]): readonly string[] {
  const printed = programs.map((path) => execFileSync('ldd', [path], { encoding: 'utf8' })).join('\n')
  if (printed.includes('not found')) throw new Error(`Libraries are missing here:\n${printed}`)
  return [...new Set([...printed.matchAll(/(?:=> |^\s*)(\/\S+)/gm)].map(([, path]) => path ?? ''))].sort()
}
