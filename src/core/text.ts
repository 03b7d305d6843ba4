/**
 * Texts for people. English is written where it arises, as the tagged template `say`, which keeps the template
 * apart from its values: a message is rendered in the reader's language at the last moment, and its figures stay
 * data. Everything here is plain JSON, so a text survives a store and a wire.
 */

/** What people read: a plain string (said as it stands in every language) or a template with its values. */
export type Text = string | Said

/** A template whose `{0}`, `{1}`... stand for the values. The template is the key in `locales/*.json`. */
export interface Said {
  readonly template: string
  readonly values: readonly Value[]
}

export type Value = string | number | Figure | Said | readonly Value[]

/** A number that knows its unit. */
export type Figure =
  | { readonly figure: 'duration'; readonly ms: number }
  | { readonly figure: 'bytes'; readonly bytes: number }
  | { readonly figure: 'percent'; readonly percent: number }
  | { readonly figure: 'count'; readonly count: number; readonly one: string; readonly many: string }
  | { readonly figure: 'time'; readonly at: number }

/** A language: a translation for each template, each counted noun (`# messages`) and `# %`. English has none. */
export interface Language {
  readonly code: string
  readonly texts: Readonly<Record<string, string>>
}

export const english: Language = { code: 'en', texts: {} }

/** Tags a text for people: ``say`used ${bytes(n)} of ${bytes(max)}` ``. */
export function say(strings: TemplateStringsArray, ...values: readonly Value[]): Said {
  const template = strings.reduce((before, part, index) => `${before}{${index - 1}}${part}`)
  return { template, values }
}

/** A length of time in seconds, said in the two largest units that fit: `3 min 20 s`. */
export const seconds = (value: number): Figure => ({ figure: 'duration', ms: value * 1000 })

/** A length of time in milliseconds. */
export const milliseconds = (ms: number): Figure => ({ figure: 'duration', ms })

/** A size in bytes, said in binary units: `1.5 GiB`. */
export const bytes = (value: number): Figure => ({ figure: 'bytes', bytes: value })

/** A share of 100: `93 %`. */
export const percent = (value: number): Figure => ({ figure: 'percent', percent: value })

/** A number of things: `1 message`, `1 500 messages`. */
export const count = (value: number, one: string, many = `${one}s`): Figure => ({
  figure: 'count',
  count: value,
  one,
  many,
})

/** A moment, in milliseconds since 1970, said in UTC. */
export const time = (at: number): Figure => ({ figure: 'time', at })

/** The text as a reader of the language reads it. */
export function render(text: Text, language: Language = english): string {
  if (typeof text === 'string') return text
  const template = language.texts[text.template] ?? text.template
  return template.replace(/\{(\d+)\}/g, (whole, index) => {
    const value = text.values[Number(index)]
    return value === undefined ? whole : renderValue(value, language)
  })
}

/** The same text with every piece of human-readable string put through `change` (for redaction). */
export function mapText(text: Text, change: (piece: string) => string): Text {
  if (typeof text === 'string') return change(text)
  return { template: change(text.template), values: text.values.map((value) => mapValue(value, change)) }
}

function mapValue(value: Value, change: (piece: string) => string): Value {
  if (typeof value === 'string') return change(value)
  if (typeof value === 'number') return value
  if (isList(value)) return value.map((item) => mapValue(item, change))
  if ('figure' in value) return value
  return { template: change(value.template), values: value.values.map((item) => mapValue(item, change)) }
}

function renderValue(value: Value, language: Language): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return groupDigits(value, language)
  if (isList(value)) {
    return value.map((item) => renderValue(item, language)).join(language.texts[', '] ?? ', ')
  }
  if ('figure' in value) return renderFigure(value, language)
  return render(value, language)
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function renderFigure(figure: Figure, language: Language): string {
  switch (figure.figure) {
    case 'duration':
      return renderDuration(figure.ms, language)
    case 'bytes':
      return renderBytes(figure.bytes, language)
    case 'percent':
      return (language.texts['# %'] ?? '# %').replace('#', round(figure.percent, language))
    case 'count': {
      const noun = figure.count === 1 && language === english ? figure.one : figure.many
      const phrase = language.texts[`# ${figure.many}`] ?? `# ${noun}`
      return phrase.replace('#', groupDigits(figure.count, language))
    }
    case 'time':
      return `${new Date(figure.at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  }
}

const units: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
]

function renderDuration(ms: number, language: Language): string {
  const unit = (name: string) => language.texts[`unit ${name}`] ?? name
  const sign = ms < 0 ? '-' : ''
  const length = Math.abs(ms)
  if (length < 1000) return `${sign}${Math.round(length)} ${unit('ms')}`
  if (length < 10_000) return `${sign}${round(length / 1000, language)} ${unit('s')}`
  const whole = Math.round(length / 1000) * 1000
  const first = units.findIndex(([size]) => whole >= size)
  const parts = units.slice(first, first + 2).map(([size, name], index) => {
    const amount = index === 0 ? whole / size : (whole % (units[first]?.[0] ?? 1)) / size
    return [Math.floor(amount), name] as const
  })
  return (
    sign +
    parts.flatMap(([amount, name], i) => (amount || i === 0 ? `${amount} ${unit(name)}` : [])).join(' ')
  )
}

function renderBytes(value: number, language: Language): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = Math.min(names.length - 1, Math.max(0, Math.floor(Math.log2(Math.abs(value) || 1) / 10)))
  return `${round(value / 1024 ** power, language)} ${names[power]}`
}

/** One decimal below 10, none above: as exact as a person needs. */
function round(value: number, language: Language): string {
  return groupDigits(Math.abs(value) < 10 ? Math.round(value * 10) / 10 : Math.round(value), language)
}

/** `12 345.5`: groups of three from five digits on. */
function groupDigits(value: number, language: Language): string {
  const [whole = '', fraction] = String(value).split('.')
  const digits = whole.replace('-', '')
  const grouped =
    digits.length < 5 || /[^\d]/.test(digits)
      ? whole
      : whole.replace(/\B(?=(\d{3})+(?!\d))/g, language.texts['digit groups'] ?? ' ')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}
