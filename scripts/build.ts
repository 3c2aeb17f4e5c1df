// Makes dist/, what an installed package runs: Node does not strip types inside node_modules.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { bundleForBrowser, describeSize } from './browser-bundle.ts'

rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
chmodSync('dist/cli/main.js', 0o755)
const file = 'dist/browser/starling-client.js'
const size = await bundleForBrowser({ entry: 'src/client/index.ts', file, minify: true })
console.error(`${file}, the client SDK for browsers: ${describeSize(size)}`)
console.error('dist/ is built: node dist/cli/main.js --help')
