import { say, z } from 'healthz'

const notHours = say`not hours; write them as 22:00-06:00`

/** Hours of the day, in UTC, in minutes since midnight. */
export interface Hours {
  readonly from: number
  readonly to: number
}

/** An option such as `22:00-06:00`. */
export function quietHours() {
  return z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, { error: notHours.template })
    .meta({ description: 'hours of the day, in UTC, when nothing need come', examples: ['22:00-06:00'] })
    .transform((text): Hours => {
      const [from = 0, to = 0] = text.split('-').map(minutesOf)
      return { from, to }
    })
    .optional()
}

/** Whether the moment lies within the hours; they may go over midnight. */
export function isWithin({ from, to }: Hours, at: number): boolean {
  const minute = Math.floor(at / 60_000) % (24 * 60)
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to
}

function minutesOf(text: string): number {
  const [hour = 0, minute = 0] = text.split(':').map(Number)
  return hour * 60 + minute
}
