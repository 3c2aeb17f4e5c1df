// One page of docs/ as HTML: sections get names to link to, and links lead to the pages of the site.
import { dirname, normalize, relative } from 'node:path/posix'
import { Marked, type Tokens } from 'marked'
import { anchorOf, escapeHtml } from '../docs/markdown.ts'

export interface MarkdownPage {
  readonly title: string
  readonly html: string
  readonly headings: readonly Heading[]
  /** Other files of docs/ that it shows or links to. */
  readonly files: readonly string[]
}

export interface Heading {
  readonly anchor: string
  readonly text: string
  readonly depth: number
}

/** Path of the HTML file that a Markdown file, or a folder, becomes; `README.md` is what a folder opens with. */
export function htmlPathOf(markdownPath: string): string {
  return markdownPath.replace(/(README\.md|(?<=\/))$/, 'index.md').replace(/\.md$/, '.html')
}

/** @param path of the Markdown file within docs/ */
export function renderMarkdownPage(path: string, text: string): MarkdownPage {
  const headings: Heading[] = []
  const files = new Set<string>()
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens)
        const plain = this.parser.parseInline(tokens, this.parser.textRenderer)
        const anchor = anchorOf(plain)
        headings.push({ anchor, text: plain, depth })
        return `<h${depth} id="${anchor}"><a class="anchor" href="#${anchor}">${html}</a></h${depth}>\n`
      },
      table({ header, rows }) {
        const row = (cells: readonly Tokens.TableCell[], tag: string) =>
          `<tr>${cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')}</tr>`
        const body = rows.map((cells) => row(cells, 'td')).join('\n')
        return `<div class="table"><table><thead>${row(header, 'th')}</thead><tbody>${body}</tbody></table></div>\n`
      },
      link({ href, tokens }) {
        const html = this.parser.parseInline(tokens)
        const target = linkTarget(path, href)
        if (target === undefined) return `<span title="${escapeHtml(`In the repository: ${href}`)}">${html}</span>`
        if (target.file !== undefined) files.add(target.file)
        return `<a href="${escapeHtml(target.href)}">${html}</a>`
      },
      image({ href, text: alt }) {
        files.add(normalize(`${dirname(path)}/${href}`))
        return `<img src="${escapeHtml(href)}" alt="${escapeHtml(alt)}" loading="lazy">`
      },
    },
  })
  const html = marked.parse(text, { async: false })
  return { title: headings[0]?.text ?? path, html, headings, files: [...files] }
}

interface LinkTarget {
  readonly href: string
  /** Of docs/, when it is no page. */
  readonly file?: string
}

/** Where a link leads on the site; undefined for what only the repository has. */
function linkTarget(from: string, href: string): LinkTarget | undefined {
  if (/^(https?:|#)/.test(href)) return { href }
  const [target = '', anchor] = href.split('#')
  const folder = dirname(from)
  const path = normalize(`${folder}/${target}`)
  if (path.startsWith('..')) return undefined
  const suffix = anchor === undefined ? '' : `#${anchor}`
  if (/(\/|\.md)$/.test(path)) return { href: `${relative(folder, htmlPathOf(path))}${suffix}` }
  return { href, file: path }
}
