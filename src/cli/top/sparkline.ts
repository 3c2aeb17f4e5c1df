const BLOCKS = '▁▂▃▄▅▆▇█'

/** The newest values, one character each, as high as they are against the highest of them; blanks where there is none yet. */
export function sparkline(values: readonly (number | undefined)[], width: number): string {
  const shown = values.slice(-width)
  const most = shown.reduce<number>((highest, value = 0) => Math.max(highest, value), 0)
  const blocks = shown.map((value) => (value === undefined ? ' ' : blockOf(value, most)))
  return blocks.join('').padStart(width)
}

function blockOf(value: number, most: number): string {
  if (value <= 0 || most <= 0) return BLOCKS.charAt(0)
  // Whatever is more than nothing is seen.
  return BLOCKS.charAt(Math.max(1, Math.round((BLOCKS.length - 1) * (value / most))))
}

/** A bar of which a share is full, 0 to 1; and its empty rest. */
export function bar(share: number, width: number): readonly [full: string, rest: string] {
  const full = Math.round(width * Math.min(1, Math.max(0, share)))
  return ['█'.repeat(full), '░'.repeat(width - full)]
}
