// Makes dist/, what an installed package runs: Node does not strip types inside node_modules.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
chmodSync('dist/cli/main.js', 0o755)
console.error('dist/ is built: node dist/cli/main.js --help')
