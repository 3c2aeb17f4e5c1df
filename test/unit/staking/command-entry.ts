import { hideBin } from 'yargs/helpers'
import { createStakeParser } from './stake-parser.ts'

await createStakeParser(hideBin(process.argv)).parseAsync()
