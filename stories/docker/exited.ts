import { duration, milliseconds, say, tellSome, z } from 'healthz'
import { hasFailed, whyDown } from './container.ts'
import { startCure } from './start.ts'
import { step } from './target.ts'

/** A container that ended with a fault stays down. What ended well, or was stopped, is fine. */
export const exited = step({
  title: say`no container has ended with a fault`,
  limits: z.strictObject({
    within: duration('7d').describe('one that has been down for longer is only noted'),
  }),
  cures: [{ title: say`start the container again`, consent: 'ask' }],
  async check({ target, options, limits, signal, note, problem }) {
    const { containers, at } = await target.look(signal)
    const failed = containers.filter(
      (container) => hasFailed(container) && !options.expect.includes(container.name),
    )
    const old = failed.filter(
      ({ finishedAt, createdAt }) => at - (finishedAt ?? createdAt ?? at) > limits.within,
    )
    if (old.length > 0) note(say`down for long: ${old.slice(0, 10).map(({ name }) => name)}`)
    const fresh = failed.filter((container) => !old.includes(container))
    tellSome(
      fresh.map((container) => {
        const { name, finishedAt, createdAt, exitCode, policy } = container
        const since = milliseconds(Math.max(0, at - (finishedAt ?? createdAt ?? at)))
        return {
          key: name,
          // A policy that was to keep it running has given up; without one it may be a job that ran once.
          severity: policy === 'no' ? 'warning' : 'critical',
          summary: say`${name} is down: ${whyDown(container)} ${since} ago, and the engine does not start it again`,
          advice: say`see the end of its log (docker logs --tail 50 ${name}); remove it if nobody needs it: docker rm ${name}`,
          evidence: { container: name, exitCode, policy },
          resolve: startCure(target, container, 'ask'),
        }
      }),
      problem,
    )
  },
})
