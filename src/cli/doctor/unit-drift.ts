import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { counted } from '../../base/figures.ts'
import { type Finding, ok, skipped, warn } from '../finding.ts'
import type { Machine } from './machine.ts'

/** Where packages put units. */
const PACKAGED = '/usr/lib/systemd/system/starling.service'
/** What dpkg wrote down of the package's files: with one unit on the machine, there is nothing else to compare it with. */
const PACKAGE_SUMS = '/var/lib/dpkg/info/starling.md5sums'
/** Where operators put theirs, which go first. */
const OWN = '/etc/systemd/system/starling.service'
/** Of `systemctl edit`, `systemctl set-property` and `--runtime`, in no order. */
const DROP_INS = ['/etc/systemd/system', '/etc/systemd/system.control', '/run/systemd/system'].map(
  (folder) => `${folder}/starling.service.d`,
)
/** As the source tree has it. */
const SOURCE = join(import.meta.dirname, '../../../deploy/systemd/starling.service')
const EDIT = 'Keep changes of your own in a drop-in (systemctl edit starling)'
/** What shuts the node in. ReadWritePaths is not among them: another folder for backups is the operator's to allow. */
const HARDENING =
  /^(User|Group|DynamicUser|UMask|LimitCORE|MemorySwapMax|NoNewPrivileges|CapabilityBoundingSet|AmbientCapabilities|SecureBits|SystemCall\w+|Restrict\w+|LockPersonality|RemoveIPC|KeyringMode|Protect\w+|Private\w+|Device\w+|NoExecPaths|ExecPaths|MemoryDenyWriteExecute)\s*=/

type UnitMachine = Pick<Machine, 'readText' | 'list' | 'unitProperty'>

/** A unit that was copied once does not change with the package, and a drop-in may take away what protects the node. */
export async function unitDrift(machine: UnitMachine): Promise<Finding> {
  const [own, packaged, source, dropIns] = await Promise.all([
    machine.readText(OWN),
    machine.readText(PACKAGED),
    machine.readText(SOURCE),
    readDropIns(machine),
  ])
  const installed = own ?? packaged
  if (installed === undefined) return skipped('the node is not installed as a unit of systemd')
  if ((await machine.unitProperty('NeedDaemonReload')) === 'yes') {
    return warn(
      'systemd runs an older unit than is on the disk',
      'systemctl daemon-reload && systemctl restart starling',
    )
  }
  const wanted = source ?? packaged ?? installed
  const changed = dropIns.length === 0 ? '' : `, with ${counted(dropIns.length, 'drop-in')} of the operator's`
  const difference = differenceOf(installed, wanted)
  if (difference !== undefined) {
    const seen = `${own === undefined ? PACKAGED : OWN} differs in ${difference}${changed}`
    return warn(seen, own === undefined ? `Reinstall the package. ${EDIT}` : `systemctl revert starling. ${EDIT}`)
  }
  for (const { path, text } of dropIns) {
    const weaker = settingsOf(text).find((line) => HARDENING.test(line) && !settingsOf(wanted).includes(line))
    if (weaker !== undefined) {
      return warn(`${path} sets ${weaker}`, `Take the line out, unless you know why it is there: ${path}`)
    }
  }
  if (own === undefined && source === undefined) return await comparedWithSums(machine, installed, changed)
  if (source === undefined && packaged === undefined) return skipped('there is no packaged unit to compare with')
  return ok(`as packaged${changed}`)
}

async function readDropIns(machine: UnitMachine): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const folders = await Promise.all(
    DROP_INS.map(async (folder) => (await machine.list(folder)).map((name) => join(folder, name))),
  )
  const paths = folders.flat().filter((path) => path.endsWith('.conf'))
  // One that cannot be read is counted all the same.
  return await Promise.all(paths.map(async (path) => ({ path, text: (await machine.readText(path)) ?? '' })))
}

function differenceOf(installed: string, wanted: string): string | undefined {
  const missing = settingsOf(wanted).filter((line) => !settingsOf(installed).includes(line))
  const added = settingsOf(installed).filter((line) => !settingsOf(wanted).includes(line))
  const [first] = [...missing, ...added]
  return first === undefined ? undefined : `${counted(missing.length + added.length, 'line')}, such as ${first}`
}

async function comparedWithSums(machine: UnitMachine, installed: string, changed: string): Promise<Finding> {
  const sums = await machine.readText(PACKAGE_SUMS)
  const [, wanted] = /^([0-9a-f]{32}) {2}usr\/lib\/systemd\/system\/starling\.service$/m.exec(sums ?? '') ?? []
  if (wanted === undefined) return skipped(`there is nothing to compare ${PACKAGED} with`)
  if (createHash('md5').update(installed).digest('hex') === wanted) return ok(`as packaged${changed}`)
  return warn(`${PACKAGED} is not what the package brought${changed}`, `Reinstall the package. ${EDIT}`)
}

/** Without comments and blank lines, in any order. */
function settingsOf(unit: string): readonly string[] {
  return unit
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';'))
}
