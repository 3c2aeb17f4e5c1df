// The frame of every page: where one is, where else one can go, and what to type.
import { dirname, relative } from 'node:path/posix'
import { escapeHtml } from '../docs/markdown.ts'
import type { MarkdownPage } from './markdown-page.ts'

export interface NavigationGroup {
  readonly title: string
  readonly links: readonly NavigationLink[]
}

export interface NavigationLink {
  readonly text: string
  /** Within the site. */
  readonly path: string
}

export interface LayoutParts {
  readonly path: string
  readonly page: MarkdownPage
  readonly navigation: readonly NavigationGroup[]
}

/** Sections of a page that are worth a list at its side. */
const CONTENTS_DEPTH = 2
const CONTENTS_MIN = 3

export function layOut({ path, page, navigation }: LayoutParts): string {
  const root = relative(dirname(path), '.') || '.'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title)} – Starling</title>
<link rel="stylesheet" href="${root}/style.css">
</head>
<body data-root="${root}">
<header>
<a class="name" href="${root}/index.html">Starling</a>
<input type="search" placeholder="Find a section" aria-label="Find a section" list="" autocomplete="off">
<ol class="found" hidden></ol>
</header>
<nav aria-label="Pages">
${navigation.map((group) => navigationHtml(group, path, root)).join('\n')}
</nav>
<main>
${page.html}</main>
${contentsHtml(page)}
<script src="${root}/sections.js"></script>
<script src="${root}/search.js"></script>
</body>
</html>
`
}

function navigationHtml({ title, links }: NavigationGroup, path: string, root: string): string {
  const items = links.map((link) => {
    const here = link.path === path ? ' aria-current="page"' : ''
    return `<li><a href="${root}/${link.path}"${here}>${escapeHtml(link.text)}</a></li>`
  })
  return `<h2>${escapeHtml(title)}</h2>\n<ul>\n${items.join('\n')}\n</ul>`
}

function contentsHtml({ headings }: MarkdownPage): string {
  const sections = headings.filter(({ depth }) => depth === CONTENTS_DEPTH)
  if (sections.length < CONTENTS_MIN) return ''
  const items = sections.map(({ anchor, text }) => `<li><a href="#${anchor}">${escapeHtml(text)}</a></li>`)
  return `<aside aria-label="On this page">\n<h2>On this page</h2>\n<ul>\n${items.join('\n')}\n</ul>\n</aside>`
}
