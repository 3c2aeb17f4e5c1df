// Compiles contracts/src into contracts/artifacts and writes src/staking/abi.ts from the result.
//
//     node scripts/compile-contracts.ts            compile and write
//     node scripts/compile-contracts.ts --check    exit 1 if what is committed is stale; writes nothing
import { parseArgs } from 'node:util'
import { abiModule, compileContracts, isStale, writeArtifacts } from '../contracts/compiler.ts'

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

if (values.check) {
  const stale = await isStale()
  console.log(stale ? 'Stale: run `npm run contracts` and commit the result.' : 'The artifacts fit the sources.')
  process.exitCode = stale ? 1 : 0
} else {
  const artifacts = compileContracts()
  await writeArtifacts(artifacts, await abiModule(artifacts))
  for (const { contractName, deployedSizeBytes } of artifacts)
    console.log(`${contractName}: ${deployedSizeBytes} bytes`)
}
