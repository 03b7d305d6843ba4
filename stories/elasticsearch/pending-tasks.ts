import { count, duration, milliseconds, say, z } from 'healthz'
import { step } from './target.ts'

/** The elected master keeps up with the changes of the cluster. */
export const pendingTasks = step({
  title: say`the master keeps up with its tasks`,
  limits: z.strictObject({ max: z.int().min(0).default(100), maxWait: duration('30s') }),
  confirm: 3,
  async check({ target, limits, signal, note, grade, problem }) {
    const { pending, longestWait } = (await target.health(signal)).tasks
    note(say`${count(pending, 'task')} of the master pending`)
    const isLong = grade(pending, { warning: limits.max }, 'number') !== null
    const isSlow = grade(longestWait, { warning: limits.maxWait }, 'wait') !== null
    if (!isLong && !isSlow) return
    problem({
      key: isLong ? 'number' : 'wait',
      severity: 'warning',
      summary: say`${count(pending, 'task')} of the master pending (limit ${limits.max}), one for ${milliseconds(longestWait)} (limit ${milliseconds(limits.maxWait)})`,
      advice: say`see GET /_cluster/pending_tasks for what they are: most often new fields all the time, too many indices or shards, or a slow disk of the master`,
      evidence: { pending, longestWaitMs: longestWait },
    })
  },
})
