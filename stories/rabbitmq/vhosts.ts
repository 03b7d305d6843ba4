import { type Cure, say, z } from 'healthz'
import type { Management } from './management.ts'
import { type Broker, step } from './target.ts'

/** Every virtual host serves its clients. */
export const vhosts = step({
  title: say`every virtual host is up`,
  cures: [{ title: say`start a virtual host on the node where it is down`, consent: 'auto' }],
  async check({ target, options, signal, problem }) {
    // The check looks at its own node only.
    const failed = await Promise.all(target.apis.map((api) => api.check(checkPath, checkShape, signal)))
    if (failed.every((found) => found === null)) return
    for (const { vhost, node } of await readStopped(target.api, signal)) {
      if (options.vhosts !== undefined && !options.vhosts.includes(vhost)) continue
      problem({
        key: `${vhost} ${node}`,
        severity: 'critical',
        summary: say`the virtual host ${vhost} is down on node ${node} and refuses its clients`,
        advice: say`run: rabbitmqctl restart_vhost -p ${vhost}; the log of the node says why it went down, often for a damaged message store`,
        evidence: { vhost, node },
        resolve: restart(target, vhost, node),
      })
    }
  },
})

const checkPath = '/api/health/checks/virtual-hosts'

const checkShape = z.looseObject({ 'virtual-hosts': z.array(z.string()) })

interface Stopped {
  readonly vhost: string
  readonly node: string
}

async function readStopped(api: Management, signal: AbortSignal): Promise<readonly Stopped[]> {
  const all = await api.get('/api/vhosts?columns=name,cluster_state', z.array(vhostShape), signal)
  return all.flatMap(({ name, cluster_state }) =>
    Object.entries(cluster_state)
      .filter(([, state]) => state === 'stopped')
      .map(([node]) => ({ vhost: name, node })),
  )
}

const vhostShape = z.looseObject({ name: z.string(), cluster_state: z.record(z.string(), z.string()) })

function restart({ api }: Broker, vhost: string, node: string): Cure {
  return {
    title: say`start the virtual host ${vhost} on ${node}`,
    consent: 'auto',
    target: `${api.address} ${vhost}`,
    async run({ signal }) {
      const stopped = await readStopped(api, signal)
      if (!stopped.some((found) => found.vhost === vhost && found.node === node)) return
      const path = `/api/vhosts/${encodeURIComponent(vhost)}/start/${encodeURIComponent(node)}`
      await api.act('POST', path, signal)
    },
  }
}
