import { join } from 'node:path'
import { counted } from '../../node/status-page/figures.ts'
import { type Finding, ok, skipped, warn } from '../stake/preflight-check.ts'
import type { Machine } from './machine.ts'

/** Where packages put units. */
const PACKAGED = '/usr/lib/systemd/system/starling.service'
/** Where operators put theirs, which go first. */
const OWN = '/etc/systemd/system/starling.service'
const DROP_INS = `${OWN}.d`
/** As the source tree has it. */
const SOURCE = join(import.meta.dirname, '../../../deploy/systemd/starling.service')
const EDIT = 'Keep changes of your own in a drop-in (systemctl edit starling)'

/** A unit that was copied once does not change with the package: it lacks what newer ones protect the node with. */
export async function unitDrift(machine: Pick<Machine, 'readText' | 'list'>): Promise<Finding> {
  const [own, packaged, source, names] = await Promise.all([
    machine.readText(OWN),
    machine.readText(PACKAGED),
    machine.readText(SOURCE),
    machine.list(DROP_INS),
  ])
  const dropIns = names.filter((name) => name.endsWith('.conf'))
  const changed = dropIns.length === 0 ? '' : `, with ${counted(dropIns.length, 'drop-in')} of the operator's`
  const installed = own ?? packaged
  const wanted = source ?? packaged
  if (installed === undefined) return skipped('the node is not installed as a unit of systemd')
  if (wanted === undefined) return skipped('there is no packaged unit to compare with')
  const missing = settingsOf(wanted).filter((line) => !settingsOf(installed).includes(line))
  const added = settingsOf(installed).filter((line) => !settingsOf(wanted).includes(line))
  const [first] = [...missing, ...added]
  if (first === undefined) return ok(`as packaged${changed}`)
  const seen = `${own === undefined ? PACKAGED : OWN} differs in ${counted(missing.length + added.length, 'line')}, such as ${first}${changed}`
  return warn(seen, own === undefined ? `Reinstall the package. ${EDIT}` : `systemctl revert starling. ${EDIT}`)
}

/** Without comments and blank lines, in any order. */
function settingsOf(unit: string): readonly string[] {
  return unit
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';'))
}
