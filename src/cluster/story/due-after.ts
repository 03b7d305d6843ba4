import type { Pace } from '../../core/plan.ts'

const aYear = 31_536_000_000

type CronPace = Extract<Pace, { readonly cron: string }>

/** How long it is from now until a cron has come round so many times, in milliseconds; a year where it does not. */
export async function dueAfter({ cron, timezone }: CronPace, times: number): Promise<number> {
  const { createTask } = await import('node-cron')
  const task = createTask(cron, () => {}, { ...(timezone !== null && { timezone }) })
  try {
    const last = task.getNextRuns(times).at(-1)
    return last === undefined ? aYear : last.getTime() - Date.now()
  } finally {
    await task.destroy()
  }
}
