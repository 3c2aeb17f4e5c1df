// What a terminal shows, as a page that can be photographed.

const COLOURS: Readonly<Record<string, string>> = { 31: '#ff8d83', 32: '#5bc98c', 33: '#e6b455', 36: '#56c2c2' }
const CSI = '\u001b['

/** What ends each picture that `starling top` draws. */
export const FRAME_END = `${CSI}J`

/** The last whole picture that a program drew on a screen of its own. */
export function lastFrame(output: string): string {
  const drawn = output.split(FRAME_END).at(-2) ?? ''
  const [, frame = ''] = drawn.split(`${CSI}H`)
  return frame.replaceAll(`${CSI}K`, '').replaceAll('\r', '')
}

/** Text with the colours of a terminal becomes a page. */
export function terminalPage(text: string, columns: number): string {
  return `<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 20px; background: #0f1113; width: max-content; }
pre { margin: 0; padding: 16px 18px; width: ${columns}ch; border: 1px solid #2b2f34; border-radius: 10px; background: #17191c; color: #d9d7d2; font: 14px/1.3 "DejaVu Sans Mono", monospace; }
</style><pre>${spans(text)}</pre>`
}

function spans(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const [first = '', ...others] = escaped.split(CSI)
  const coloured = others.map((part) => {
    const [, code = '0', rest = ''] = /^(\d+)m([\s\S]*)$/.exec(part) ?? []
    if (code === '1') return `<b style="color:#fff">${rest}</b>`
    if (code === '2') return `<span style="color:#8d939b">${rest}</span>`
    const colour = COLOURS[code]
    return colour === undefined ? rest : `<span style="color:${colour}">${rest}</span>`
  })
  return first + coloured.join('')
}
