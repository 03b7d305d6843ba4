/** A cron expression as Kubernetes takes it: five fields, or a word such as `@daily`. */
interface Schedule {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  /** Where both days are given, one of them is enough. */
  readonly isEitherDay: boolean
}

/**
 * When a schedule is due for the second time after a moment, in wall milliseconds; null where it cannot be told: a
 * schedule of another form, or one that comes less than twice within five years.
 */
export function secondRunAfter(schedule: string, timeZone: string | null, since: number): number | null {
  const parsed = parseSchedule(schedule)
  const offset = parsed === null ? null : offsetOf(timeZone ?? 'UTC', since)
  if (parsed === null || offset === null) return null
  const local = since + offset
  const midnight = Math.floor(local / day) * day
  let isFirst = true
  for (let index = 0; index < 1830; index++) {
    const date = midnight + index * day
    if (!isDueOn(parsed, new Date(date))) continue
    for (const hour of parsed.hours) {
      for (const minute of parsed.minutes) {
        const at = date + (hour * 60 + minute) * 60_000
        if (at <= local) continue
        if (!isFirst) return at - offset
        isFirst = false
      }
    }
  }
  return null
}

const day = 86_400_000

function isDueOn(schedule: Schedule, date: Date): boolean {
  if (!schedule.months.has(date.getUTCMonth() + 1)) return false
  const [byDate, byWeekday] = [schedule.days.has(date.getUTCDate()), schedule.weekdays.has(date.getUTCDay())]
  return schedule.isEitherDay ? byDate || byWeekday : byDate && byWeekday
}

export function parseSchedule(text: string): Schedule | null {
  const fields = (words[text.trim().toLowerCase()] ?? text.trim()).split(/\s+/)
  if (fields.length !== 5) return null
  const [minutes, hours, days, months, weekdays] = fields.map((field, index) =>
    numbersOf(field, ranges[index] ?? [0, 0], names[index] ?? []),
  )
  if (!minutes || !hours || !days || !months || !weekdays) return null
  const isEitherDay = !/^[*?]/.test(fields[2] ?? '') && !/^[*?]/.test(fields[4] ?? '')
  // Sunday is 0 and 7.
  const folded = new Set([...weekdays].map((weekday) => weekday % 7))
  return { minutes, hours, days, months, weekdays: folded, isEitherDay }
}

const words: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const

const names: readonly (readonly string[])[] = [
  [],
  [],
  [],
  ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
]

/** The numbers of a field, in order: `5`, `1-5`, `0-30/10`, a list of them; null where it is none. */
function numbersOf(
  field: string,
  [least, most]: readonly [number, number],
  named: readonly string[],
): ReadonlySet<number> | null {
  const found = new Set<number>()
  const numberOf = (text: string) => {
    const index = named.indexOf(text.toLowerCase())
    return index >= 0 && text !== '' ? index : /^\d+$/.test(text) ? Number(text) : Number.NaN
  }
  for (const part of field.split(',')) {
    const [range = '', stride = '1', ...more] = part.split('/')
    const [first = '', last] = range.split('-')
    const isAny = range === '*' || range === '?'
    const from = isAny ? least : numberOf(first)
    const to = isAny ? most : last !== undefined ? numberOf(last) : part.includes('/') ? most : from
    const step = numberOf(stride)
    if (![from, to, step].every(Number.isInteger) || more.length > 0) return null
    if (step < 1 || from < least || to > most || from > to) return null
    for (let number = from; number <= to; number += step) found.add(number)
  }
  return new Set([...found].sort((a, b) => a - b))
}

/** How far a zone is ahead of UTC, in ms; null where it is not known here. */
function offsetOf(timeZone: string, at: number): number | null {
  try {
    const said = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
      .formatToParts(at)
      .find(({ type }) => type === 'timeZoneName')?.value
    const [, sign, hours = '0', minutes = '0'] = /^GMT([+-])(\d+):(\d+)/.exec(said ?? '') ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  } catch {
    return null // no such zone
  }
}
