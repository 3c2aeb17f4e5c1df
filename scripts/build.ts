// Makes dist/, what an installed package runs: Node does not strip types inside node_modules.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { bundleForBrowser, describeSize } from './browser-bundle.ts'
import { bundleProgram, licencesOf } from './program-bundle.ts'

rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
// The program is bundled; the rest is what applications import.
rmSync('dist/cli', { recursive: true })
const chunks = await bundleProgram('dist/cli')
writeFileSync('dist/cli/THIRD-PARTY-LICENCES.txt', licencesOf(chunks))
chmodSync('dist/cli/main.js', 0o755)
console.error(`dist/cli/, the program: ${chunks.length} files`)
const file = 'dist/browser/starling-client.js'
const size = await bundleForBrowser({ entry: 'src/client/index.ts', file, minify: true })
console.error(`${file}, the client SDK for browsers: ${describeSize(size)}`)
console.error('dist/ is built: node dist/cli/main.js --help')
