import { count, say } from 'healthz'
import { step } from './target.ts'

/** No node has left, and each answers the others. */
export const nodes = step({
  title: say`every node is in the cluster`,
  async check({ target, options, signal, note, recall, remember, problem }) {
    const [health, stats] = await Promise.all([target.health(signal), target.stats(signal)])
    const expected = options.expectNodes ?? options.nodes.length
    const names = stats.nodes.map(({ name }) => name).sort()
    note(say`${count(health.nodes, 'node')}, of which ${health.dataNodes} hold data: ${names}`)
    const known = recall<readonly string[]>()?.value ?? []
    const isWhole = health.nodes >= expected && stats.silent === 0
    const gone = known.filter((name) => !names.includes(name))
    remember(isWhole ? names : [...new Set([...known, ...names])].sort())
    if (health.nodes < expected) {
      const most = Math.floor(expected / 2) + 1
      problem({
        key: 'left',
        severity: health.nodes < most ? 'critical' : 'warning',
        summary: say`the cluster has ${count(health.nodes, 'node')}, ${expected} are expected`,
        advice:
          gone.length > 0
            ? say`start ${gone}, or see in its log why it left; the cluster stops when half of the nodes that may become master are gone`
            : say`start the nodes that are missing; the cluster stops when half of the nodes that may become master are gone`,
        evidence: { nodes: health.nodes, expected, gone: gone.join(', ') },
      })
    }
    if (stats.silent > 0) {
      problem({
        key: 'silent',
        severity: 'warning',
        summary: say`${count(stats.silent, 'node')} in the cluster did not answer the others in time`,
        advice: say`look for a stopped, swapping or overloaded process${gone.length > 0 ? say`: ${gone}` : ''}`,
        evidence: { silent: stats.silent, nodes: gone.join(', ') },
      })
    }
  },
})
