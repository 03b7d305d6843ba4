import { milliseconds, say, tellSome } from 'healthz'
import { hasFailed, whyDown } from './container.ts'
import { startCure } from './start.ts'
import { step } from './target.ts'

/** What must run is there and runs. */
export const running = step({
  title: say`every expected container runs`,
  on: ({ expect }) => expect.length > 0,
  cures: [
    { title: say`start a container that ended by a fault of its own`, consent: 'auto' },
    { title: say`start a container that somebody stopped`, consent: 'ask' },
  ],
  async check({ target, options, signal, problem }) {
    const { containers, at } = await target.look(signal)
    const down = options.expect.flatMap((name) => {
      const container = containers.find((known) => known.name === name)
      if (container === undefined) {
        return {
          key: name,
          severity: 'critical' as const,
          summary: say`there is no container ${name}`,
          advice: say`create it anew from its compose file or its unit, or correct the name in "expect"`,
          evidence: { container: name },
        }
      }
      // One that is being restarted is up for moments: the step "restarts" tells when that happens too often.
      if (container.status === 'running') return []
      const { status, exitCode, finishedAt } = container
      const why = whyDown(container)
      const cure = startCure(target, container, hasFailed(container) ? 'auto' : 'ask')
      return {
        key: name,
        severity: 'critical' as const,
        summary:
          finishedAt === null || status === 'restarting' || status === 'paused'
            ? say`${name} does not run: ${why}`
            : say`${name} does not run: ${why} ${milliseconds(Math.max(0, at - finishedAt))} ago`,
        advice:
          status === 'paused'
            ? say`ask who paused it and why; if it should run: docker unpause ${name}`
            : say`see the end of its log (docker logs --tail 50 ${name}), then start it: docker start ${name}`,
        evidence: { container: name, state: status, exitCode },
        ...((status === 'exited' || status === 'created') && { resolve: cure }),
      }
    })
    tellSome(down, problem)
  },
})
