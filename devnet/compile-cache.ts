import { join } from 'node:path'

/**
 * What NODE_COMPILE_CACHE is for the processes that a devnet or a test starts: many read the same code, and half of what a short
 * command costs is to compile it. Beside what npm installs: below the folder for temporary files it would stay behind, and others
 * could write to it.
 */
export const COMPILE_CACHE = join(import.meta.dirname, '../node_modules/.cache/starling')
