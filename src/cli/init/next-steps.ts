import { existsSync } from 'node:fs'
import type { ServiceNodeOptions } from '../../node/options.ts'
import { quoted } from '../../node/secret-file.ts'
import { isSessionContract } from '../stake/chain.ts'
import { SYSTEM_CONFIGURATION } from './options.ts'

const UNITS = ['/etc/systemd/system/starling.service', '/usr/lib/systemd/system/starling.service']

/** What to type next, for a node that is staked and serves. */
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
  const isService = path === SYSTEM_CONFIGURATION && UNITS.some((unit) => existsSync(unit))
  const stake = isSessionContract(staking)
    ? '# Its contract is that of Session: docs/beside-session.md tells what a node does beside one of theirs'
    : `starling stake register ${config} --keystore operator.json --send`
  return [
    isService ? 'systemctl enable --now starling' : `starling run ${config}`,
    stake,
    `starling status ${config}`,
    `starling keys backup --keys-folder ${quoted(keysFolder)} --to node.backup`,
  ]
}
