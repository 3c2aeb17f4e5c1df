import { type Surroundings, surroundings } from '../config/configuration-file.ts'
import { readNodeSettings } from '../config/node-settings.ts'
import type { KeysArgs } from './options.ts'

/** @throws {OptionsError} CONFIG_UNREADABLE */
export function keysFolderOf(
  args: Pick<KeysArgs, 'config' | 'keys-folder'>,
  around: Surroundings = surroundings(),
): string {
  return readNodeSettings({ config: args.config, 'keys-folder': args['keys-folder'] }, around).keysFolder()
}
