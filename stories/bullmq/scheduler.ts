import { count, duration, milliseconds, say, z } from 'healthz'
import { numberOf, scoredOf } from './read-queue.ts'
import { admitMissing, inWords, type Queues, step } from './target.ts'

/** Every scheduler makes its next job when it is time: the worker that takes one up makes the next. */
export const scheduler = step({
  title: say`schedulers make their jobs in time`,
  limits: z.strictObject({
    intervals: z.number().min(1).default(2),
    least: duration('1m').meta({ description: 'so late each may be, however short its interval' }),
    pattern: duration('5m').meta({ description: 'how late one with a cron pattern may be' }),
  }),
  async check({ target, limits, now, note, problem, cannotTell }) {
    const reading = await target.read()
    for (const { name, isPaused } of reading.queues) {
      if (isPaused) continue
      const due = await dueSchedulers(name, now(), target)
      const late = due
        .map(({ id, at, every }) => ({ id, age: now() - at, limit: limitOf(every, limits) }))
        .filter(({ age, limit }) => age > limit)
      note(say`${count(due.length, 'scheduler')} of ${name} due, ${late.length} overdue`)
      const [first] = late
      if (first === undefined) continue
      const said = say`the scheduler ${shown(first.id)} of ${name} is overdue for ${milliseconds(first.age)} (limit ${milliseconds(first.limit)})`
      problem({
        key: name,
        severity: 'critical',
        summary: late.length === 1 ? said : say`${said}, and ${late.length - 1} more`,
        advice: say`see whether workers of ${name} take jobs up: the one that takes a scheduled job up makes the next one`,
        evidence: { queue: name, overdue: late.length, scheduler: shown(first.id), lateMs: first.age },
      })
    }
    admitMissing(reading, cannotTell)
  },
})

/** One with a cron pattern has no interval. */
function limitOf(every: number, limits: { intervals: number; least: number; pattern: number }): number {
  return every === 0 ? limits.pattern : Math.max(limits.least, limits.intervals * every)
}

/** So many of a queue are looked at, the latest first. */
const most = 50

async function dueSchedulers(queue: string, now: number, { redis, key }: Queues) {
  const due = scoredOf(
    await inWords(
      redis.call('ZRANGEBYSCORE', key(queue, 'repeat'), '-inf', now, 'WITHSCORES', 'LIMIT', 0, most),
    ),
  )
  return Promise.all(
    due.map(async ({ member, score }) => ({
      id: member,
      at: score,
      every: numberOf(await redis.call('HGET', key(queue, `repeat:${member}`), 'every')),
    })),
  )
}

const shown = (id: string) => id.slice(0, 60)
