import { duration, milliseconds, say, tellSome, z } from 'healthz'
import { isDown, mustGoOn } from './container.ts'
import { startCure } from './start.ts'
import { step } from './target.ts'

/** A container that a person stopped is not started by itself; people are reminded of it. */
export const stopped = step({
  title: say`no container was stopped and forgotten`,
  limits: z.strictObject({ stoppedMax: duration('24h') }),
  confirm: 1,
  cures: [{ title: say`start the container again`, consent: 'ask' }],
  async check({ target, options, limits, signal, note, problem }) {
    const { containers, at } = await target.look(signal)
    const lying = containers.flatMap((container) => {
      const { name, status, finishedAt, policy } = container
      const isMeant = isDown(status) && mustGoOn(container) && !options.expect.includes(name)
      if (!isMeant || finishedAt === null) return []
      const length = Math.max(0, at - finishedAt)
      if (length <= limits.stoppedMax) {
        note(say`${name} was stopped by a person ${milliseconds(length)} ago`)
        return []
      }
      return {
        key: name,
        severity: 'warning' as const,
        summary: say`${name} was stopped by a person ${milliseconds(length)} ago (limit ${milliseconds(limits.stoppedMax)}), though its restart policy is ${policy}`,
        advice: say`ask who stopped it and why; if it should run: docker start ${name}; if not: docker rm ${name}`,
        evidence: { container: name, policy },
        resolve: startCure(target, container, 'ask'),
      }
    })
    tellSome(lying, problem)
  },
})
