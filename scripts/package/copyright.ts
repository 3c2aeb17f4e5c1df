import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LockedModule } from './locked-modules.ts'

/** What is said of whose work the package holds: our own, Node.js, and each bundled package, whose licence text lies beside it. */
export function copyrightText(repository: string, modules: readonly LockedModule[]): string {
  const listed = modules.map(
    ({ path, name, version }) => `${name} ${version}: ${licenceOf(join(repository, path))}, in
 /usr/lib/starling/${path}`,
  )
  return `Starling is under the Apache License, version 2.0:
/usr/share/common-licenses/Apache-2.0 has its text.

With it comes Node.js, whose licences and those of what it is made of are in
/usr/lib/starling/bin/LICENSE.

The packages of npm that the program holds are named, with their licences, in
/usr/lib/starling/dist/cli/THIRD-PARTY-LICENCES.txt.

And these lie beside it, each under its own licence:

${[...new Set(listed)].join('\n')}
`
}

function licenceOf(folder: string): string {
  const { license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { license?: string }
  if (license !== undefined) return license
  const file = existsSync(folder) && readdirSync(folder).find((name) => /^licen[cs]e/i.test(name))
  return file === undefined || file === false ? 'no licence named' : `see ${file}`
}
