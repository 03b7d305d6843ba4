import { parseJson, z } from 'healthz'

/** What RedBeat keeps of one periodic task. Its arguments are left out: they may hold anything. */
export interface Definition {
  readonly name: string
  readonly task: string
  readonly isEnabled: boolean
  /** Seconds from one run to the next; null where that is not fixed (crontab, solar, rrule). */
  readonly every: number | null
}

/** @returns null where the text is none of RedBeat's */
export function parseDefinition(text: string): Definition | null {
  return definitionShape.safeParse(parseJson(text)).data ?? null
}

/** When an entry was last run, in milliseconds; null where it never was. Undefined where the text is none of RedBeat's. */
export function parseLastRun(text: string): number | null | undefined {
  return metaShape.safeParse(parseJson(text)).data
}

const definitionShape = z
  .looseObject({
    name: z.string(),
    task: z.string(),
    enabled: z.boolean().default(true),
    schedule: z.looseObject({ __type__: z.string(), every: z.number().optional() }).optional(),
  })
  .transform(
    ({ name, task, enabled, schedule }): Definition => ({
      name,
      task,
      isEnabled: enabled,
      every: schedule?.__type__ === 'interval' ? (schedule.every ?? null) : null,
    }),
  )

/** The time zone is an offset in seconds, or the name of one. */
const momentShape = z
  .looseObject({
    year: z.number(),
    month: z.number(),
    day: z.number(),
    hour: z.number(),
    minute: z.number(),
    second: z.number(),
    timezone: z.union([z.number(), z.string(), z.null()]).optional(),
  })
  .transform(({ year, month, day, hour, minute, second, timezone }) => {
    const clock = Date.UTC(year, month - 1, day, hour, minute, second)
    return clock - (typeof timezone === 'string' ? offsetOf(timezone, clock) : (timezone ?? 0) * 1000)
  })

/** How far a zone is ahead of UTC around that moment, in milliseconds; 0 for a zone that nobody knows. */
function offsetOf(timeZone: string, at: number): number {
  try {
    const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(at)
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(name) ?? []
    const ahead = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000
    return sign === '-' ? -ahead : ahead
  } catch {
    return 0
  }
}

const metaShape = z
  .looseObject({ last_run_at: momentShape.nullish() })
  .transform(({ last_run_at }) => last_run_at ?? null)
