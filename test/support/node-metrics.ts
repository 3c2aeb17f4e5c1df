/** What nodes expose for Prometheus, at one moment. */
export class MetricsPage {
  readonly text: string
  readonly #samples = new Map<string, number>()

  constructor(text: string) {
    this.text = text
    for (const line of text.split('\n')) {
      const [, sample, value] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? []
      if (sample !== undefined) this.#samples.set(sample, Number(value))
    }
  }

  /** Sum of the samples of this name that have these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return [...this.#samples]
      .filter(([sample]) => sample === name || sample.startsWith(`${name}{`))
      .filter(([sample]) => wanted.every((label) => sample.includes(label)))
      .reduce((sum, [, value]) => sum + value, 0)
  }
}

export async function readMetrics({ metricsUrl }: { readonly metricsUrl: string }): Promise<MetricsPage> {
  const reply = await fetch(`${metricsUrl}/metrics`)
  return new MetricsPage(await reply.text())
}

export interface Readiness {
  readonly status: number
  readonly ready: boolean
  readonly reasons: readonly { readonly part: string; readonly reason: string }[]
  /** What is wrong with a node that serves all the same. */
  readonly degraded: readonly { readonly part: string; readonly reason: string }[]
}

/** What `/readyz` says. */
export async function readReadiness({ metricsUrl }: { readonly metricsUrl: string }): Promise<Readiness> {
  const reply = await fetch(`${metricsUrl}/readyz`)
  return { status: reply.status, ...((await reply.json()) as Omit<Readiness, 'status'>) }
}
