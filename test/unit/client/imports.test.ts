// The SDK must not pull the node's machinery into an application.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import * as sdk from '../../../src/client/index.ts'

const ALLOWED = [/^node:/, /^sodium-native$/, /^ws$/, /^@noble\//]

/** Every package that is reached from a file, with the file that names it. Type-only imports vanish when it is built. */
function packagesFrom(entry: string): Map<string, string> {
  const packages = new Map<string, string>()
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const imports = /^(?:(?:import|export) (?!type\b)[^'"]*from |import )'([^']+)'/gm
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(imports)) {
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier))
      else packages.set(specifier, file)
    }
  }
  visit(entry)
  return packages
}

test('the SDK reaches only a few small packages', () => {
  const packages = packagesFrom('src/client/index.ts')
  expect([...packages.keys()]).toContain('sodium-native')
  const others = [...packages].filter(([name]) => !ALLOWED.some((allowed) => allowed.test(name)))
  expect(others).toEqual([])
})

test('the documentation names all that the SDK exports', () => {
  const text = readFileSync('docs/client-sdk.md', 'utf8')
  expect(Object.keys(sdk).filter((name) => !text.includes(`${name}(`) && !text.includes(`\`${name}`))).toEqual([])
})
