#!/usr/bin/env node
import { hideBin } from 'yargs/helpers'
import { EXIT } from './exit-codes.ts'
import { runProgram } from './program.ts'

// Whoever reads has seen enough, as `head` does.
process.stdout.on('error', () => process.exit(EXIT.ok))
await runProgram(hideBin(process.argv))
