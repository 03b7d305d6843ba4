import type { Pace } from '../core/plan.ts'
import { say } from '../core/text.ts'
import type { Reading } from './check.ts'
import type { EntrySettings } from './entry-schema.ts'
import type { Path } from './source.ts'

/** When the entry is told. */
export function paceOf({ every, cron, timezone, jitter }: EntrySettings, interval: number): Pace {
  if (cron !== undefined) return { cron, timezone: timezone ?? null, jitter }
  return { every: every ?? interval, jitter }
}

/** Tells what is wrong with when an entry is told: as it is written, whatever else is wrong with the entry. */
export async function checkPace(
  raw: Readonly<Record<string, unknown>>,
  path: Path,
  reading: Reading,
): Promise<void> {
  const { findings } = reading
  const { every, cron, timezone } = raw
  if (every !== undefined && cron !== undefined) {
    findings.atKey([...path, 'cron'], say`an entry has either "every" or "cron", not both`)
  }
  if (timezone !== undefined && cron === undefined) {
    findings.atKey([...path, 'timezone'], say`"timezone" goes with "cron", and there is none`)
  }
  if (typeof timezone === 'string' && timezone !== '' && !isTimezone(timezone)) {
    findings.at([...path, 'timezone'], say`"timezone" is no time zone that is known here`, {
      hint: say`write one such as Europe/Berlin or Asia/Shanghai`,
      misspelt: { word: timezone, known: Intl.supportedValuesOf('timeZone'), isShort: false },
    })
  }
  if (typeof cron === 'string' && cron !== '') await checkCron(cron, [...path, 'cron'], reading)
}

async function checkCron(cron: string, path: Path, { findings }: Reading): Promise<void> {
  // Most configurations name no cron.
  const { validateDetailed } = await import('node-cron')
  const { valid, errors } = validateDetailed(cron)
  if (valid) return
  const hint = say`write five fields, or six with the second first: "*/10 * * * *"`
  const field = errors.map((error) => error.field).find((name) => name !== 'expression')
  if (field === undefined) findings.at(path, say`"cron" is not a cron expression`, { hint })
  else findings.at(path, say`"cron" is not a cron expression: its field ${field} is wrong`, { hint })
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
