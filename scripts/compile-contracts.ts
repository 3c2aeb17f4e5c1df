// Compiles contracts/src into contracts/artifacts and writes src/staking/abi.ts from the result.
//
//     node scripts/compile-contracts.ts            compile and write
//     node scripts/compile-contracts.ts --check    exit 1 if what is committed is stale; writes nothing
//     node scripts/compile-contracts.ts --gas      measure what each call costs, and write the table of contracts/README.md
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { abiModule, compileContracts, isStale, writeArtifacts } from '../contracts/compiler.ts'

const README = join(import.meta.dirname, '../contracts/README.md')
const TABLE = /(?<=<!-- gas: [^>]*-->\n\n).*?(?=\n\n<!-- end of gas -->)/s

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, gas: { type: 'boolean', default: false } },
})

if (values.check) {
  const stale = await isStale()
  console.log(stale ? 'Stale: run `npm run contracts` and commit the result.' : 'The artifacts fit the sources.')
  process.exitCode = stale ? 1 : 0
} else if (values.gas) {
  // Loads the chain's libraries, which who compiles does not need.
  const { gasTable, measureGas } = await import('../contracts/gas-report.ts')
  const table = gasTable(await measureGas())
  console.log(table)
  const text = await readFile(README, 'utf8')
  if (!TABLE.test(text)) throw new Error('contracts/README.md has no place for the table')
  await writeFile(README, text.replace(TABLE, table))
} else {
  const artifacts = compileContracts()
  await writeArtifacts(artifacts, await abiModule(artifacts))
  for (const { contractName, deployedSizeBytes } of artifacts)
    console.log(`${contractName}: ${deployedSizeBytes} bytes`)
}
