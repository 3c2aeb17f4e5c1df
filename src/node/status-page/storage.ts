import { bytes, count, duration, percent } from '../../base/figures.ts'
import type { StorageFacts } from '../status.ts'
import { facts, mark, type PageContext } from './card.ts'
import { type Html, html } from './html.ts'
import { storedPlot } from './traffic.ts'

/** From this share on, room is worth a look; the node itself says when it runs out. */
const NARROW_SHARE = 0.8

export function storage(held: StorageFacts, context: PageContext): Html {
  const { messages, dataBytes, isWritable, trouble, freeDiskBytes, roomBytes, backup } = held
  return html`${roomBytes === null ? '' : gauge(dataBytes, roomBytes)}
${facts([
  ['Messages', count(messages)],
  ['Free on the disk', freeDiskBytes === null ? undefined : bytes(freeDiskBytes)],
  ['Writing', isWritable ? 'possible' : html`${mark('bad')}not possible`],
  ['Trouble', trouble ?? undefined],
  ['Last backup', backupText(backup, context)],
])}
${storedPlot(context)}`
}

/** How much of what can be stored is stored: the bound of the node or of its disk, whichever is nearer. */
function gauge(usedBytes: number, roomBytes: number): Html {
  const share = usedBytes + roomBytes === 0 ? 1 : usedBytes / (usedBytes + roomBytes)
  const told = `${bytes(usedBytes)} of ${bytes(usedBytes + roomBytes)}, ${percent(share)}`
  const width = Math.max(share > 0 ? 4 : 0, Math.round(share * 1000))
  return html`<div class="gauge" role="meter" aria-label="Room for messages that is taken" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${Math.floor(share * 100)}" aria-valuetext="${told}">
<p><b>${bytes(usedBytes)}</b> <span class="soft">of ${bytes(usedBytes + roomBytes)} · ${percent(share)} taken</span></p>
<svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="1000" height="10"/><rect class="${share >= NARROW_SHARE ? 'narrow' : 'used'}" width="${width}" height="10"/></svg></div>`
}

function backupText({ state, lastAtMs }: StorageFacts['backup'], { nowMs }: PageContext): string {
  if (state === 'running') return 'under way'
  const last = lastAtMs === null ? 'none' : `${duration(nowMs - lastAtMs)} ago`
  return state === 'failed' ? `${last}; the newest failed` : last
}
