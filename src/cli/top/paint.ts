/** Where text goes to a terminal that shows colours. Whoever sets NO_COLOR wants none (no-color.org). */
export function wantsColour(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb'
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

export type Hue = keyof typeof CODES

/** Text in a colour, or as it is. */
export type Paint = (hue: Hue, text: string) => string

export function painter(isColoured: boolean): Paint {
  return isColoured ? (hue, text) => `\u001b[${CODES[hue]}m${text}\u001b[0m` : (_, text) => text
}

/** What moves the cursor, turns the direction of text, or is longer than it looks. */
const UNSAFE = /\p{Cc}|\p{Cf}/gu

/** Others' text may be in it, such as the name of a provider: a terminal must not obey it. */
export function harmless(text: string): string {
  return text.replace(UNSAFE, '?')
}
