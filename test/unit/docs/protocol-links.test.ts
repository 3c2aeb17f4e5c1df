// What the pages of docs/protocol point to is there: pages, their sections, files, and the tests that are named as proof.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { anchorOf } from '../../../scripts/docs/markdown.ts'

const pages = [...globSync('docs/protocol/*.md'), 'README.md']
const read = (path: string) => readFileSync(path, 'utf8')

const anchorsOf = (page: string) => [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title))

test.each(pages)('every link of %s leads somewhere', (page) => {
  const dead = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor))
    })
  expect(dead).toEqual([])
})

test('every test that differences.md names is there', () => {
  const text = globSync('test/**/*.test.ts').map(read).join('\n')
  const unescaped = text.replaceAll("\\'", "'")
  const rows = read('docs/protocol/differences.md')
    .split('\n')
    .filter((line) => line.startsWith('| '))
  const named = rows.flatMap((row) =>
    [...(row.split(' | ').at(-1) ?? '').matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  )
  expect(named.length).toBeGreaterThan(40)
  expect(named.filter((name) => !unescaped.includes(name))).toEqual([])
})

test('every file that the pages name is there', () => {
  const named = pages.flatMap((page) => [...read(page).matchAll(/`((?:test|src|docs|config)\/[\w./-]+\.\w+)`/g)])
  expect(named.map(([, path = '']) => path).filter((path) => !existsSync(path))).toEqual([])
})
