import { count, say } from 'healthz'
import { step } from './target.ts'

/** Every node lets the watchman in and knows the elected master of one and the same cluster. */
export const connect = step({
  title: say`every node answers and knows the elected master`,
  async check({ target, signal, note, problem, cannotTell }) {
    const { entered, unreached } = await target.reach(signal)
    const { product, number } = target.version
    note(say`${product === 'opensearch' ? 'OpenSearch' : 'Elasticsearch'} ${number}`)
    note(say`${entered.length} of ${count(entered.length + unreached.length, 'node')} reached`)
    const severity = entered.length === 0 ? 'critical' : 'warning'
    for (const { address, kind, summary, advice } of unreached) {
      if (untold.has(kind)) continue
      problem({ key: address, severity, summary, advice, evidence: { address, kind } })
    }
    const lost = entered.filter(({ hasMaster }) => hasMaster === false).map(({ api }) => api.address)
    if (lost.length > 0) {
      const isWhole = lost.length === entered.length
      problem({
        key: 'master',
        severity: 'critical',
        summary: isWhole
          ? say`no master is elected: nothing can be written, and no index changed`
          : say`some nodes know no elected master: ${lost}`,
        advice: isWhole
          ? say`start the nodes that may become master until more than half of them see each other; their logs say whom they wait for`
          : say`look at the network between these nodes and the others (the transport port, 9300), and into their logs`,
        evidence: { kind: 'starting', nodes: lost.join(', ') },
      })
    }
    const clusters = [...new Set(entered.map(({ cluster }) => cluster))].sort()
    if (clusters.length > 1) {
      problem({
        key: 'clusters',
        severity: 'critical',
        confirm: 1,
        summary: say`the configured nodes belong to different clusters: ${clusters}`,
        advice: say`give each cluster an entry of its own, or correct cluster.name of the node that is wrong`,
        evidence: { clusters: clusters.join(', ') },
      })
    }
    const hidden = unreached.find(({ kind }) => untold.has(kind))
    if (hidden !== undefined) cannotTell(hidden.summary)
  },
})

/** A missing right, or trouble of this host, says nothing about a node. */
const untold = new Set(['not-allowed', 'local'])
