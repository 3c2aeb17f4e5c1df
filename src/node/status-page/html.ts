/** Markup that is safe to put into a page as it stands. Only `html` and `join` make it. */
export class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

export type HtmlPart = Html | string | number

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** What would end a text or an attribute is written as an entity, so a template is safe whatever others put into its values. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlPart[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(escaped)))
}

/** One after the other; nothing for what is undefined. */
export function join(parts: readonly (Html | undefined)[]): Html {
  return new Html(parts.filter((part) => part !== undefined).join(''))
}

export const NOTHING: Html = new Html('')

function escaped(value: HtmlPart): string {
  return value instanceof Html ? value.toString() : String(value).replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '')
}
