import type { ReadStream, WriteStream } from 'node:tty'

const ESC = '\u001b['
/** A screen of its own, so that what was there before comes back; no cursor, no wrapped lines. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l`
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`
const HOME = `${ESC}H`
const TO_LINE_END = `${ESC}K`
const TO_SCREEN_END = `${ESC}J`

const QUIT_KEYS: ReadonlySet<string> = new Set(['q', 'Q', '\u0003', '\u0004', '\u001b'])

export interface Screen extends Disposable {
  readonly size: { readonly columns: number; readonly rows: number }
  draw(lines: readonly string[]): void
}

export interface ScreenEvents {
  /** A key that means that it is enough. */
  readonly onQuit: () => void
  /** The terminal has another size now. */
  readonly onResize: () => void
  /** Any other key. */
  readonly onKey: () => void
}

/** Takes the terminal over until it is disposed of, which gives it back as it was. */
export function openScreen(input: ReadStream, output: WriteStream, { onQuit, onResize, onKey }: ScreenEvents): Screen {
  const onData = (data: Buffer) => (QUIT_KEYS.has(data.toString('latin1')) ? onQuit() : onKey())
  // Whatever ends the process: a terminal without cursor and echo is of no use to anybody.
  const restore = () => {
    output.write(LEAVE)
    input.setRawMode(false)
  }
  input.setRawMode(true)
  input.resume()
  input.on('data', onData)
  output.on('resize', onResize)
  process.once('exit', restore)
  output.write(ENTER)
  return {
    get size() {
      return { columns: output.columns, rows: output.rows }
    },
    draw(lines) {
      // In one write and over what is there, so that nothing flickers.
      output.write(`${HOME}${lines.map((line) => `${line}${TO_LINE_END}`).join('\r\n')}${TO_SCREEN_END}`)
    },
    [Symbol.dispose]() {
      process.off('exit', restore)
      restore()
      output.off('resize', onResize)
      input.off('data', onData)
      input.pause()
    },
  }
}
