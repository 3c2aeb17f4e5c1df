// The completion scripts, by the shells that are here; others skip, since a machine need not have them.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { completionScript, SHELLS, type Shell } from '../../../src/cli/completion/shells.ts'
import { createParser } from '../../../src/cli/parser.ts'

const folder = mkdtempSync(join(tmpdir(), 'starling-completion-'))
afterAll(() => rmSync(folder, { recursive: true }))

const pathOf = (shell: Shell) => join(folder, shell)
beforeAll(async () => {
  for (const shell of SHELLS) writeFileSync(pathOf(shell), await completionScript(shell, createParser))
})

function isHere(shell: Shell): boolean {
  try {
    execFileSync(shell, ['-c', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What each shell offers after these words, one a line. */
const ASK: Readonly<Record<Shell, (typed: readonly string[]) => readonly string[]>> = {
  bash: (typed) => [
    '-c',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: It is the shell's.
    'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _starling; printf "%s\\n" "${COMPREPLY[@]}"',
    pathOf('bash'),
    ...typed,
  ],
  // Outside of a terminal zsh completes nothing, so what would show the words prints them.
  zsh: (typed) => [
    '-fc',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: It is the shell's.
    'compdef() { }; _files() { }; compadd() { shift; print -l -- $@ }; _describe() { print -l -- ${${(P)2}%%:*} }; source $0; words=("$@"); CURRENT=$#; _starling',
    pathOf('zsh'),
    ...typed,
  ],
  fish: (typed) => [
    '-c',
    `source ${pathOf('fish')}; complete -C "${typed.join(' ')}" | string replace -r '\\t.*' ''; true`,
  ],
}

const CASES: readonly (readonly [typed: readonly string[], offered: string, not: string])[] = [
  [['starling', ''], 'config', 'create'],
  [['starling', 'keys', ''], 'create', 'config'],
  [['starling', 'stake', 'contribution', ''], 'deploy', 'register'],
  [['starling', 'keys', 'create', '--'], '--keys-folder', '--network.port'],
  [['starling', 'run', '--log.level', ''], 'debug', 'config'],
  [['starling', 'completion', ''], 'fish', 'create'],
]

describe.each(SHELLS)('%s', (shell) => {
  test.skipIf(!isHere(shell))('offers the words and flags that fit, and no others', () => {
    for (const [typed, offered, not] of CASES) {
      const lines = execFileSync(shell, ASK[shell](typed), { encoding: 'utf8', stdio: 'pipe' }).split('\n')
      expect({ typed, lines }).toEqual({ typed, lines: expect.arrayContaining([offered]) })
      expect({ typed, lines }).not.toEqual({ typed, lines: expect.arrayContaining([not]) })
    }
  })
})
