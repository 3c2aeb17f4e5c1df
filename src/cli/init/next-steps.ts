import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ServiceNodeOptions } from '../../node/options.ts'
import { quoted } from '../../node/secret-file.ts'
import { SYSTEM_CONFIGURATION } from '../config/configuration-file.ts'
import { isSessionContract } from '../stake/chain.ts'
import { isWritable } from './options.ts'

const UNITS = ['/etc/systemd/system/starling.service', '/usr/lib/systemd/system/starling.service']

/** Where the packaged node may write what is to be taken away; docs/backup.md. */
const BACKUP_FOLDER = '/var/backups/starling'

/**
 * What to type next, for a node that is staked and serves: as root on a packaged node, and without the operator's key, which must not lie on
 * the node's machine.
 */
export function nextSteps({
  path,
  keysFolder,
  staking,
}: {
  readonly path: string
  readonly keysFolder: string
  readonly staking: Pick<ServiceNodeOptions['staking'], 'chainId' | 'contract'>
}): readonly string[] {
  const config = `--config ${quoted(path)}`
  const isSystem = path === SYSTEM_CONFIGURATION
  const isService = isSystem && UNITS.some((unit) => existsSync(unit))
  const stake = isSessionContract(staking)
    ? '# Its contract is that of Session: docs/beside-session.md tells what a node does beside one of theirs'
    : `starling stake register ${config} --operator 0x…  # prints the transactions for the operator's wallet, elsewhere`
  const folder = isSystem && isWritable(BACKUP_FOLDER) ? BACKUP_FOLDER : dirname(path)
  const backup = quoted(join(folder, 'node.backup'))
  return [
    isService ? 'systemctl enable --now starling' : `starling run ${config}`,
    stake,
    `starling status ${config}`,
    `starling keys backup --keys-folder ${quoted(keysFolder)} --to ${backup}  # then bring it to another place`,
  ]
}
