import { say, type Text, z } from 'healthz'
import type { Management } from './management.ts'
import { step } from './target.ts'

/** The queues that the applications count on are there. */
export const expectedQueues = step({
  title: say`every expected queue is there`,
  on: ({ expect }) => expect.length > 0,
  async check({ target, options, signal, problem }) {
    const vhosts = [...new Set(options.expect.map(({ vhost }) => vhost))]
    const lists = new Map(
      await Promise.all(
        vhosts.map(async (vhost) => [vhost, await readStates(target.api, vhost, signal)] as const),
      ),
    )
    for (const { vhost, name } of options.expect) {
      const found = lists.get(vhost)?.find((queue) => queue.name === name)
      const state = found === undefined ? 'missing' : stateOf(found)
      if (!broken.has(state)) continue
      const home = (state === 'down' && found?.node) || null
      problem({
        key: `${vhost}/${name}`,
        severity: 'critical',
        summary: summaryOf(name, vhost, state, home),
        advice:
          home === null
            ? say`declare it again as its application does, or start it; until then what is sent to it is lost`
            : say`start ${home}: a queue that is not replicated comes back with its node`,
        evidence: { vhost, queue: name, state, node: home },
      })
    }
  },
})

type State = z.output<typeof stateShape>

/**
 * The queues of a virtual host, none where there is no such one. Asked for a single queue whose only node is down,
 * RabbitMQ 3 knows none, and 4 says that it runs: only the list tells.
 */
async function readStates(api: Management, vhost: string, signal: AbortSignal): Promise<readonly State[]> {
  const path = `/api/queues/${encodeURIComponent(vhost)}?columns=name,type,state,node`
  return (await api.find(path, z.array(stateShape), signal)) ?? []
}

/** While the lead of a replicated queue moves it is called down: the step `quorum` judges it by its members. */
function stateOf({ type, state = 'running' }: State): string {
  return type === 'quorum' && state === 'down' ? 'running' : state
}

const stateShape = z.looseObject({
  name: z.string(),
  type: z.string().optional(),
  state: z.string().optional(),
  node: z.string().optional(),
})

const broken: ReadonlySet<string> = new Set(['missing', 'down', 'stopped', 'crashed'])

function summaryOf(name: string, vhost: string, state: string, home: string | null): Text {
  if (state === 'missing') return say`the queue ${name} does not exist in ${vhost}`
  if (home === null) return say`the queue ${name} in ${vhost} is ${state}`
  return say`the queue ${name} in ${vhost} is down with its node ${home}`
}
