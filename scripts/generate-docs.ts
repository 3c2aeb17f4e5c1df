// Writes what in docs/, config/ and deploy/ comes from the code. test/unit/docs/generated-files.test.ts says when it is stale.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generatedFiles } from './docs/generated-files.ts'

for (const [path, content] of await generatedFiles()) {
  const file = join(import.meta.dirname, '..', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  console.log(path)
}
