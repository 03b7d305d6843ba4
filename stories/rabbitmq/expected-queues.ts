import { say, type Text, z } from 'healthz'
import { pathOf } from './queues.ts'
import { nodesIfTold, step } from './target.ts'

/** The queues that the applications count on are there. */
export const expectedQueues = step({
  title: say`every expected queue is there`,
  on: ({ expect }) => expect.length > 0,
  async check({ target, options, signal, problem }) {
    for (const { vhost, name } of options.expect) {
      const path = `${pathOf({ vhost, name })}?columns=name,state`
      const found = await target.api.find(path, queueShape, signal)
      const state = found?.state ?? 'running'
      if (found !== null && !broken.has(state)) continue
      // A durable queue whose only node is down looks as if it did not exist.
      const nodes = await nodesIfTold(target, signal)
      const down = nodes.filter(({ isRunning }) => !isRunning).map((node) => node.name)
      problem({
        key: `${vhost}/${name}`,
        severity: 'critical',
        summary: summaryOf(name, vhost, found === null ? 'missing' : state, down),
        advice:
          down.length === 0
            ? say`declare it again as its application does, or start it; until then what is sent to it is lost`
            : say`start ${[...down]}: a queue that is not replicated comes back with its node`,
        evidence: { vhost, queue: name, state: found === null ? 'missing' : state },
      })
    }
  },
})

const queueShape = z.looseObject({ state: z.string().optional() })

const broken: ReadonlySet<string> = new Set(['down', 'stopped', 'crashed'])

function summaryOf(name: string, vhost: string, state: string, down: readonly string[]): Text {
  if (state !== 'missing') return say`the queue ${name} in ${vhost} is ${state}`
  if (down.length === 0) return say`the queue ${name} does not exist in ${vhost}`
  return say`the queue ${name} in ${vhost} cannot be found; it may live on a node that does not run: ${[...down]}`
}
