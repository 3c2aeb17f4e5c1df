// The site of the documentation: whole, without dead ends, and without anything from elsewhere.
import { globSync } from 'node:fs'
import { dirname, normalize } from 'node:path/posix'
import { expect, test } from 'vitest'
import { htmlPathOf } from '../../../scripts/docs-site/markdown-page.ts'
import { buildSite } from '../../../scripts/docs-site/site.ts'

const site = buildSite('docs')
const pages = [...site].flatMap(([path, content]) =>
  typeof content === 'string' && path.endsWith('.html') ? [{ path, html: content }] : [],
)
const htmlOf = new Map(pages.map(({ path, html }) => [path, html]))

test('every page of docs/ is on the site, and every page but decisions is in the overview', () => {
  const expected = globSync('**/*.md', { cwd: 'docs' })
  expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(expected.map(htmlPathOf)))
  const navigation = /<nav.*<\/nav>/s.exec(htmlOf.get('index.html') ?? '')?.[0] ?? ''
  const missing = pages.filter(({ path }) => !path.startsWith('decisions/') && !navigation.includes(`"./${path}"`))
  expect(missing.map(({ path }) => path)).toEqual(['index.html'])
})

test('every link on the site leads to a page, a section or a file of it', () => {
  const dead = pages.flatMap(({ path, html }) =>
    [...html.matchAll(/(?:href|src)="([^"]+)"/g)]
      .map(([, href = '']) => href)
      .filter((href) => !/^https?:/.test(href))
      .filter((href) => {
        const [target = '', anchor] = href.split('#')
        const file = target === '' ? path : normalize(`${dirname(path)}/${target}`)
        return !site.has(file) || (anchor !== undefined && !htmlOf.get(file)?.includes(` id="${anchor}"`))
      })
      .map((href) => `${path}: ${href}`),
  )
  expect(dead).toEqual([])
})

test('nothing is fetched from elsewhere, and what stands in the text stays text', () => {
  for (const { path, html } of pages) {
    expect(html.match(/<(?:script|link|img)[^>]*(?:src|href)="https?:[^"]*"/g), path).toBeNull()
    expect(html, path).not.toContain('&amp;lt;')
  }
  expect(htmlOf.get('cli.html')).toContain('&lt;command&gt;')
})
