import { count, duration, milliseconds, say, time, z } from 'healthz'
import { numberOf, scoredOf } from './read-queue.ts'
import { admitMissing, inWords, step } from './target.ts'

/** Jobs that are due leave the delayed ones. A worker moves them, so they stay where none works. */
export const delayed = step({
  title: say`delayed jobs are taken up when they are due`,
  limits: z.strictObject({ overdue: duration('1m') }),
  async check({ target, limits, now, note, problem, cannotTell }) {
    const reading = await target.read()
    const { redis, key } = target
    for (const { name, isPaused, delayed } of reading.queues) {
      if (delayed === 0 || isPaused) continue
      const [first] = scoredOf(await inWords(redis.call('ZRANGE', key(name, 'delayed'), 0, 0, 'WITHSCORES')))
      if (first === undefined) continue
      const due = dueAt(first.score)
      note(say`${count(delayed, 'delayed job')} in ${name}, the next due at ${time(due)}`)
      const late = now() - due
      if (late <= limits.overdue) continue
      const overdue = numberOf(await redis.call('ZCOUNT', key(name, 'delayed'), '-inf', now() * scale))
      problem({
        key: name,
        severity: 'critical',
        summary: say`${count(overdue, 'delayed job')} of ${name} are overdue, the first for ${milliseconds(late)} (limit ${milliseconds(limits.overdue)})`,
        advice: say`a worker moves jobs that are due: start one, and compare the clocks of the hosts if one runs`,
        evidence: { queue: name, overdue, delayed, lateMs: late },
      })
    }
    admitMissing(reading, cannotTell)
  },
})

/** A score is the moment in milliseconds times this, and a number for the order within one millisecond. */
const scale = 4096

const dueAt = (score: number) => Math.floor(score / scale)
