// node scripts/bundle-program.ts FOLDER: the program alone, for who starts it many times.
import { bundleProgram } from './program-bundle.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Name the folder that the program is written to')
await bundleProgram(folder)
