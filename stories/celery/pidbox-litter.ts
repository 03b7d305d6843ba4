import { say, z } from 'healthz'
import { step } from './target.ts'

/** Who asks the workers tidies up afterwards. */
export const pidboxLitter = step({
  title: say`questions to the workers leave nothing behind`,
  on: false,
  confirm: 3,
  limits: z.strictObject({ max: z.int().min(1).default(100) }),
  async check({ target, limits, grade, note, problem, cannotTell }) {
    if (target.redis === null) return cannotTell(say`only a Redis as broker can be asked this`)
    const leftOvers = await target.redis.leftOvers()
    note(say`${leftOvers} return addresses`)
    if (grade(leftOvers, { warning: limits.max }) === null) return
    problem({
      severity: 'warning',
      summary: say`${leftOvers} return addresses of questions to the workers are left behind (limit ${limits.max})`,
      advice: say`find the program that runs "celery inspect" again and again and is killed meanwhile; delete the key _kombu.binding.reply.celery.pidbox while nobody asks`,
      evidence: { leftOvers },
    })
  },
})
