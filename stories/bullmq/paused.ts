import { count, duration, milliseconds, say, z } from 'healthz'
import { resumeQueue } from './library.ts'
import { admitMissing, step } from './target.ts'

/** No queue was paused and then forgotten. */
export const paused = step({
  title: say`no queue stays paused`,
  limits: z.strictObject({ after: duration('1h') }),
  // It has lasted for an hour.
  confirm: 1,
  cures: [{ title: say`resume the queue`, consent: 'ask' }],
  async check({ target, options, limits, now, note, recall, remember, problem, cannotTell }) {
    const reading = await target.read()
    const before = recall<Readonly<Record<string, number>>>()?.value ?? {}
    const held = reading.queues.filter(({ isPaused }) => isPaused)
    const since = Object.fromEntries(held.map(({ name }) => [name, before[name] ?? now()]))
    remember(since)
    for (const { name, waiting } of held) {
      const age = now() - (since[name] ?? now())
      note(say`${name} is paused`)
      if (age < limits.after) continue
      problem({
        key: name,
        severity: 'warning',
        summary: say`the queue ${name} has been paused for ${milliseconds(age)} (limit ${milliseconds(limits.after)}), ${count(waiting, 'job')} wait`,
        advice: say`ask who paused it; it goes on with queue.resume()`,
        evidence: { queue: name, waiting, pausedMs: age },
        resolve: resumeQueue(name, options),
      })
    }
    admitMissing(reading, cannotTell)
  },
})
