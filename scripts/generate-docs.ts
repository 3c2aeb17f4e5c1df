// Writes what in docs/ and config/ comes from the code. test/unit/docs/generated-files.test.ts says when it is stale.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedFiles } from './docs/generated-files.ts'

for (const [path, content] of await generatedFiles()) {
  writeFileSync(join(import.meta.dirname, '..', path), content)
  console.log(path)
}
