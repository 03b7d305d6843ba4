/** One sample of a page of metrics. */
export interface Metric {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** May be NaN or infinite. */
  readonly value: number
}

/**
 * The samples of a page in the text format of Prometheus (0.0.4) or OpenMetrics; null where the page is in neither.
 * Times and exemplars are left out.
 * https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md
 */
export function parseMetrics(page: string): readonly Metric[] | null {
  const metrics: Metric[] = []
  for (const line of page.split('\n')) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    const [, name, labels = '', value = ''] = sample.exec(text) ?? []
    const number = numberOf(value)
    if (name === undefined || number === null) return null
    metrics.push({ name, labels: labelsOf(labels), value: number })
  }
  return metrics
}

const sample =
  /^([a-zA-Z_:][\w:]*)\s*(?:\{((?:[^"{}]|"(?:[^"\\]|\\.)*")*)\})?\s*(\S+)(?:\s+-?[\d.]+)?(?:\s+#.*)?$/

const label = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g

function labelsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(label)].map(([, name = '', value = '']) => [name, unescaped(value)]),
  )
}

const unescaped = (text: string) => text.replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char))

function numberOf(text: string): number | null {
  const special = specials.get(text.toLowerCase())
  if (special !== undefined) return special
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : null
}

const specials = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['+inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])
