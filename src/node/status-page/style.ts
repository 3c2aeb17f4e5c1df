/** The page's only style sheet. Text has a contrast of 4.5 to 1 at least, and colour is never the only sign of anything. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f5f4f0; --card: #ffffff; --line: #e4e1d8; --text: #1d1f21; --soft: #5d6068;
  --first: #0b6a70; --second: #b1500f; --good: #1a7a48; --warning: #8f5a00; --bad: #b3261e; --idle: #6f737b;
  --warning-ground: #fdf3df; --bad-ground: #fdebe9; --idle-ground: #f0efeb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1113; --card: #17191c; --line: #2b2f34; --text: #e9e7e2; --soft: #a0a5ad;
    --first: #56c2c2; --second: #f0a35e; --good: #5bc98c; --warning: #e6b455; --bad: #ff8d83; --idle: #8d939b;
    --warning-ground: #2a2214; --bad-ground: #2f1a18; --idle-ground: #1e2124;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 76rem; padding: 0 1.25rem 2rem; background: var(--ground); color: var(--text);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
h1, h2, h3, p, ul, ol, dl, dd, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { font-size: 1.125rem; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 0.8125rem; font-weight: 600; color: var(--soft); margin-bottom: 0.75rem; }
h3 { font-size: 0.9375rem; font-weight: 600; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; font-size: 0.875em; overflow-wrap: anywhere; }
a { color: var(--first); text-underline-offset: 0.15em; }
a:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; border-radius: 2px; }
b { font-weight: 600; }
.soft { color: var(--soft); }

header { display: flex; align-items: baseline; gap: 0.75rem; padding: 1.25rem 0 1rem; }
header p { color: var(--soft); }
header .live { margin-left: auto; font-size: 0.8125rem; white-space: nowrap; }
.pulse { display: inline-block; width: 0.5rem; height: 0.5rem; margin-right: 0.5rem; border-radius: 50%; background: var(--good); }
.is-stopped .pulse { background: none; border: 2px solid var(--bad); }
.is-stopped main { filter: grayscale(1); }
.is-stopped [data-part=verdict] { display: none; }
.stopped { margin-bottom: 1rem; padding: 0.875rem 1.125rem; border-radius: 0.5rem; border-left: 4px solid var(--bad); background: var(--bad-ground); }

main, .column { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; min-width: 0; }
.overview { display: grid; gap: 1rem; min-width: 0; }
.overview > div:empty { display: none; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 0.625rem; padding: 1rem 1.125rem 1.125rem; min-width: 0; }
.headline { font-size: clamp(1.375rem, 1.1rem + 1.4vw, 1.875rem); line-height: 1.25; font-weight: 600; letter-spacing: -0.015em; }
.missing { color: var(--text); }

.mark { display: inline-block; flex: none; width: 0.625rem; height: 0.625rem; margin-right: 0.5rem; border-radius: 50%; background: var(--good); }
.headline .mark { width: 0.5em; height: 0.5em; margin-right: 0.45em; vertical-align: 0.06em; }
.mark.warning { background: var(--warning); border-radius: 0; clip-path: polygon(50% 4%, 100% 96%, 0 96%); }
.mark.bad { background: var(--bad); border-radius: 0; }
.mark.idle { background: none; border: 2px solid var(--idle); }

.problems { display: grid; gap: 0.625rem; }
.problems li { display: grid; padding: 0.75rem 1rem; border-radius: 0.5rem; border-left: 4px solid var(--idle); background: var(--idle-ground); overflow-wrap: anywhere; }
.problems li.warning { border-color: var(--warning); background: var(--warning-ground); }
.problems li.bad { border-color: var(--bad); background: var(--bad-ground); }
.problems .kind { font-size: 0.8125rem; font-weight: 600; }
.problems .code { font-weight: 400; margin-left: 0.25rem; }
.next { margin-top: 0.25rem; }
.next code { padding: 0.1em 0.4em; border-radius: 0.25rem; border: 1px solid var(--line); background: var(--card); user-select: all; }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1px; overflow: hidden; border: 1px solid var(--line); border-radius: 0.625rem; background: var(--line); }
.tiles li { display: grid; padding: 0.75rem 1rem; background: var(--card); font-size: 0.8125rem; align-content: start; }
.tiles b { font-size: 1.375rem; line-height: 1.3; letter-spacing: -0.01em; }

.plots { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem 2rem; }
.plot figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; margin-bottom: 0.25rem; }
.plot h3 { margin-right: auto; }
.plot .now { font-size: 0.8125rem; color: var(--soft); }
.plot .now b { display: inline-block; min-width: 3.5em; text-align: right; color: var(--text); }
.plot .key { display: inline-block; width: 0.75rem; height: 0.1875rem; margin-right: 0.375rem; vertical-align: middle; background: var(--first); }
.plot .key.s1 { background: var(--second); }
.plot svg { display: block; width: 100%; height: 6.5rem; margin: 0.125rem 0; overflow: visible; touch-action: pan-y; }
.grid { fill: none; stroke: var(--line); vector-effect: non-scaling-stroke; }
.area { fill: var(--first); fill-opacity: 0.1; }
.area.s1 { fill: var(--second); }
.line { fill: none; stroke: var(--first); stroke-width: 1.5; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.line.s1 { stroke: var(--second); }
.pointer { fill: none; stroke: var(--soft); vector-effect: non-scaling-stroke; }
.axis { display: flex; justify-content: space-between; font-size: 0.6875rem; color: var(--soft); }
.axis .moment { color: var(--text); }
.is-pointed svg { cursor: crosshair; }

.facts { display: grid; gap: 0.375rem; margin-top: 0.875rem; }
.facts > div { display: grid; grid-template-columns: minmax(7.5rem, 2fr) 3fr; gap: 0.75rem; }
.facts dt { color: var(--soft); }
.facts dd { overflow-wrap: anywhere; }
.facts:first-child { margin-top: 0; }
.rows { display: grid; gap: 0.375rem; }
.rows li { display: flex; align-items: baseline; min-width: 0; }
.rows code { white-space: nowrap; }
.rows .name { margin-right: 0.75rem; overflow-wrap: anywhere; }
.rows li > .soft { margin-left: auto; padding-left: 0.75rem; text-align: right; }
.chain .rows, .log { margin-top: 0.875rem; padding-top: 0.875rem; border-top: 1px solid var(--line); }
.state { font-size: 1.0625rem; margin-bottom: 0.25rem; }

.gauge svg { display: block; width: 100%; height: 0.5rem; margin-top: 0.5rem; border-radius: 0.25rem; }
.gauge b { font-size: 1.375rem; letter-spacing: -0.01em; }
.gauge .ground { fill: var(--line); }
.gauge .used { fill: var(--first); }
.gauge .narrow { fill: var(--warning); }
.storage .plot { margin-top: 1.25rem; }
.storage .plot svg { height: 4rem; }

.swarm-picture { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; align-items: center; }
.map { display: block; width: 100%; max-width: 17rem; margin: 0 auto; }
.map .ring { fill: none; stroke: var(--line); stroke-width: 2; }
.map .ticks { fill: none; stroke: var(--soft); stroke-width: 1.5; }
.map .arc { fill: none; stroke: var(--first); stroke-width: 7; stroke-linecap: butt; }
.map .spoke { stroke: var(--line); stroke-width: 1.5; }
.map .spoke.connected { stroke: var(--first); }
.map .spoke.apart { stroke-dasharray: 3 4; stroke: var(--idle); }
.map .dot { fill: var(--card); stroke: var(--first); stroke-width: 2; }
.map .dot.self { fill: var(--first); }
.map .dot.failing { stroke: var(--bad); stroke-dasharray: 4 3; }
.map .dot.untested { stroke: var(--idle); }
.map text { font-size: 10px; font-weight: 600; text-anchor: middle; dominant-baseline: central; fill: var(--text); }
.map .self + text { fill: var(--card); }
.members { counter-reset: member; }
.members li { counter-increment: member; }
.members li::before { content: counter(member); flex: none; width: 1.75rem; color: var(--soft); }

.countdown { margin-top: 0.75rem; }
.countdown b { font-size: 1.375rem; letter-spacing: -0.01em; }
.steps { margin-top: 0.75rem; }
.steps li { position: relative; display: grid; padding: 0 0 0.875rem 1.5rem; }
.steps li::before { content: ""; position: absolute; z-index: 1; left: 0.0625rem; top: 0.375rem; width: 0.6875rem; height: 0.6875rem; border: 2px solid var(--first); border-radius: 50%; background: var(--card); }
.steps li.past::before { background: var(--first); }
.steps li:not(:last-child)::after { content: ""; position: absolute; left: 0.375rem; top: 1.125rem; bottom: -0.25rem; border-left: 2px solid var(--line); }
.steps li:last-child { padding-bottom: 0; }

footer { margin-top: 1.5rem; font-size: 0.8125rem; color: var(--soft); }

@media (min-width: 44rem) {
  .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .problems li { grid-template-columns: minmax(0, 1fr) auto; column-gap: 1.5rem; align-items: center; }
  .problems .next { grid-column: 2; grid-row: 1 / span 2; margin: 0; }
  .swarm-picture { grid-template-columns: minmax(0, 13rem) minmax(0, 1fr); gap: 1.25rem; }
}
@media (min-width: 62rem) {
  main { grid-template-columns: repeat(2, minmax(0, 1fr)); align-items: start; }
  .overview, .traffic { grid-column: 1 / -1; }
}
@media (max-width: 30rem) {
  body { padding: 0 0.75rem 1.5rem; }
  .card { padding: 0.875rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .facts > div { grid-template-columns: minmax(6.5rem, 2fr) 3fr; }
  .plot h3 { width: 100%; }
  .rows:not(.members) li { flex-wrap: wrap; }
  .rows:not(.members) li > .soft { width: 100%; margin: 0; padding-left: 1.125rem; text-align: left; }
  .rows .name { flex: 1; }
}
@media print { .live, .stopped { display: none; } body { max-width: none; } }
`

const ICON_COLOURS = { good: '#1a7a48', warning: '#c78a1b', bad: '#b3261e', idle: '#6f737b' } as const
export type IconName = keyof typeof ICON_COLOURS

export const ICON_NAMES = Object.keys(ICON_COLOURS) as readonly IconName[]

/** A ring with an arc, in the colour of how the node is. */
export function icon(name: IconName): string {
  const arc = 'fill="none" stroke-width="5"'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="12" ${arc} stroke="#9aa0a8"/><path d="M16 4A12 12 0 0 1 26.4 22" ${arc} stroke="${ICON_COLOURS[name]}"/><circle cx="16" cy="16" r="5" fill="${ICON_COLOURS[name]}"/></svg>\n`
}
