// A Debian as debootstrap makes it: what an operator rents, and nothing of this machine.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SUITE = 'bookworm'
/** Kept between runs, since it is all downloads. */
const KEPT = join(tmpdir(), `starling-debian-${SUITE}-1`)
/** A server has these; the smallest Debian of all does not. */
const INCLUDED = 'systemd,systemd-sysv,dbus'

/** Why none of these programs' tests can be run here; undefined when they can. */
export function missing(commands: Readonly<Record<string, string>>): string | undefined {
  if (process.getuid?.() !== 0) return 'it takes root'
  for (const [command, debianPackage] of Object.entries(commands)) {
    if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) {
      return `${command} is not there (Debian: apt-get install ${debianPackage})`
    }
  }
  return undefined
}

/** Downloads it once. @throws when Debian's archive cannot be reached */
export function fetchBareDebian(): string {
  if (existsSync(KEPT)) return KEPT
  const making = `${KEPT}.${process.pid}`
  console.error(`Fetching a bare Debian (${SUITE}) into ${KEPT}`)
  try {
    const options = ['--variant=minbase', `--include=${INCLUDED}`]
    execFileSync('debootstrap', [...options, SUITE, making], { stdio: ['ignore', 'ignore', 'inherit'] })
    renameSync(making, KEPT)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  return KEPT
}

/** A copy that may be changed. */
export function copyBareDebian(to: string): void {
  const from = fetchBareDebian()
  mkdirSync(to, { recursive: true })
  execFileSync('cp', ['-a', '--reflink=auto', `${from}/.`, to])
}
