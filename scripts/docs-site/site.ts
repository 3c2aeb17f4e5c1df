// The documentation as a site of static files: a page for each Markdown file of docs/, ways between them, and a search over their sections. It
// needs no server, and nothing from elsewhere.
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path/posix'
import { Marked } from 'marked'
import { layOut, type NavigationGroup, type NavigationLink } from './layout.ts'
import { htmlPathOf, type MarkdownPage, renderMarkdownPage } from './markdown-page.ts'

const OVERVIEW = 'README.md'

/**
 * @param docs the folder of the Markdown files
 * @returns the files of the site by their path
 */
export function buildSite(docs: string): Map<string, string | Uint8Array> {
  const paths = globSync('**/*.md', { cwd: docs }).sort()
  const pages = new Map(paths.map((path) => [path, renderMarkdownPage(path, readFileSync(join(docs, path), 'utf8'))]))
  for (const folder of foldersWithoutOverview(paths)) {
    const overview = `${folder}/${OVERVIEW}`
    pages.set(overview, renderMarkdownPage(overview, listOf(folder, pages)))
  }
  const navigation = navigationOf(readFileSync(join(docs, OVERVIEW), 'utf8'))
  const site = new Map<string, string | Uint8Array>()
  for (const [path, page] of pages) {
    site.set(htmlPathOf(path), layOut({ path: htmlPathOf(path), page, navigation }))
    for (const file of page.files) site.set(file, readFileSync(join(docs, file)))
  }
  site.set('sections.js', `window.sections = ${JSON.stringify(sectionsOf(pages))}\n`)
  for (const file of ['style.css', 'search.js']) site.set(file, readFileSync(join(import.meta.dirname, file)))
  return site
}

function foldersWithoutOverview(paths: readonly string[]): string[] {
  const folders = new Set(paths.map(dirname).filter((folder) => folder !== '.'))
  return [...folders].filter((folder) => !paths.includes(`${folder}/${OVERVIEW}`))
}

function listOf(folder: string, pages: ReadonlyMap<string, MarkdownPage>): string {
  const links = [...pages].filter(([path]) => dirname(path) === folder)
  const name = folder.charAt(0).toUpperCase() + folder.slice(1)
  return `# ${name}\n\n${links.map(([path, { title }]) => `* [${title}](${basename(path)})`).join('\n')}\n`
}

/** What the overview lists: a group for each of its sections, a link for each of its list items. */
function navigationOf(overview: string): NavigationGroup[] {
  const groups: { title: string; links: NavigationLink[] }[] = []
  const marked = new Marked()
  const tokens = marked.lexer(overview)
  for (const token of tokens) {
    if (token.type === 'heading' && token['depth'] === 2) groups.push({ title: token['text'], links: [] })
    marked.walkTokens([token], (each) => {
      if (each.type === 'link') groups.at(-1)?.links.push({ text: each['text'], path: htmlPathOf(each['href']) })
    })
  }
  return groups
}

function sectionsOf(pages: ReadonlyMap<string, MarkdownPage>) {
  return [...pages].flatMap(([path, { title, headings }]) =>
    headings.map(({ anchor, text }) => ({ page: title, text, href: `${htmlPathOf(path)}#${anchor}` })),
  )
}
