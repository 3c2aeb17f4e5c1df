// node scripts/docs-site/main.ts [folder]: writes the documentation as a site of static files.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildSite } from './site.ts'

const ROOT = join(import.meta.dirname, '../..')
const folder = process.argv[2] ?? join(ROOT, 'site')
const site = buildSite(join(ROOT, 'docs'))
for (const [path, content] of site) {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
console.log(`${site.size} files in ${folder}; open ${join(folder, 'index.html')}`)
