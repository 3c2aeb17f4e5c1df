import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file of the package, by its path below the root. */
export interface ShellFile {
  readonly path: string
  readonly content: string
}

const COMPLETIONS = {
  bash: 'usr/share/bash-completion/completions/starling',
  zsh: 'usr/share/zsh/vendor-completions/_starling',
  fish: 'usr/share/fish/vendor_completions.d/starling.fish',
} as const

/** What shells and `man` know of the command line: the former as the built program tells it, the latter as `npm run docs` wrote it. */
export function shellFiles(repository: string): readonly ShellFile[] {
  const completions = Object.entries(COMPLETIONS).map(([shell, path]) => ({
    path,
    content: said(repository, ['completion', shell]),
  }))
  const manual = readFileSync(join(repository, 'deploy/deb/starling.1'), 'utf8')
  return [...completions, { path: 'usr/share/man/man1/starling.1.gz', content: manual }]
}

function said(repository: string, words: readonly string[]): string {
  return execFileSync(process.execPath, [join(repository, 'dist/cli/main.js'), ...words], { encoding: 'utf8' })
}
