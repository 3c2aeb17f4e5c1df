// The client SDK as one file that browsers load: of a module with a twin in the folder browser/ beside it, the twin is taken.
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Plugin, rolldown } from 'rolldown'

export interface BundleOptions {
  readonly entry: string
  readonly file: string
  /** Names shortened and white space removed. */
  readonly minify: boolean
  /** What the module may import, and the address from which the browser then gets it. */
  readonly imports?: Readonly<Record<string, string>>
}

export interface BundleSize {
  readonly bytes: number
  readonly gzipBytes: number
}

/** Every source is read as ES2022: no browser needs to know `using`. */
const TARGET = 'es2022'

/** Writes one module. @throws when it would import what only Node has. */
export async function bundleForBrowser({ entry, file, minify, imports = {} }: BundleOptions): Promise<BundleSize> {
  await using bundle = await rolldown({
    input: entry,
    platform: 'browser',
    plugins: [browserTwins(), importsFrom(imports)],
    transform: { target: TARGET },
    onLog(_level, { message }) {
      throw new Error(`The browser bundle is not clean: ${message}`)
    },
  })
  const { output } = await bundle.write({ file, format: 'esm', minify })
  const [chunk] = output
  const allowed = Object.values(imports)
  const others = [...chunk.imports, ...chunk.dynamicImports].filter((name) => !allowed.includes(name))
  if (others.length > 0) throw new Error(`The browser bundle imports what no browser has: ${others.join(', ')}`)
  return { bytes: Buffer.byteLength(chunk.code), gzipBytes: gzipSync(chunk.code).length }
}

/** `crypto/aead.ts` becomes `crypto/browser/aead.ts`, if that exists. */
function browserTwins(): Plugin {
  return {
    name: 'browser-twins',
    resolveId(source, importer) {
      if (importer === undefined || !source.startsWith('.')) return null
      const target = resolve(dirname(importer), source)
      const twin = join(dirname(target), 'browser', basename(target))
      return existsSync(twin) ? twin : null
    },
  }
}

function importsFrom(imports: Readonly<Record<string, string>>): Plugin {
  return {
    name: 'imports-from',
    resolveId(source) {
      const address = imports[source]
      return address === undefined ? null : { id: address, external: true }
    },
  }
}

export function describeSize({ bytes, gzipBytes }: BundleSize): string {
  return `${(bytes / 1024).toFixed(0)} KiB, ${(gzipBytes / 1024).toFixed(0)} KiB compressed`
}
