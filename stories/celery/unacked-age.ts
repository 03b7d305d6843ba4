import { count, duration, milliseconds, say, z } from 'healthz'
import { isRedis } from './options.ts'
import { step } from './target.ts'

/** Tasks of workers that died are given to others in time. Only a Redis needs workers for that. */
export const unackedAge = step({
  title: say`tasks of dead workers are handed out again`,
  on: isRedis,
  limits: z.strictObject({
    slack: duration('10m'),
    etaMax: duration('0s').meta({ description: 'how far ahead tasks with an eta or countdown are sent' }),
  }),
  async check({ target, options, limits, note, problem, cannotTell }) {
    const { redis } = target
    if (redis === null) return cannotTell(say`only a Redis as broker can be asked this`)
    const [oldest, handedOut] = await Promise.all([redis.oldest(), redis.handedOut()])
    if (oldest === null) return
    const age = oldest.now - oldest.since
    const most = options.visibilityTimeout + limits.slack + limits.etaMax
    note(say`the oldest of ${count(handedOut, 'task')} handed out is so for ${milliseconds(age)}`)
    if (age <= most) return
    problem({
      severity: 'warning',
      summary: say`a task has been handed out for ${milliseconds(age)} and not acknowledged (limit ${milliseconds(most)})`,
      advice: say`only a worker that runs gives such tasks to others: see that one does, and that visibility_timeout is as long in its settings as in this entry`,
      evidence: { ageSeconds: Math.round(age / 1000), handedOut, limitSeconds: most / 1000 },
    })
  },
})
