import { count, say } from 'healthz'
import { followAgain } from './follow-again.ts'
import { lookAt, staleOf } from './seen.ts'
import { step } from './target.ts'

/** Exactly one of the configured nodes is the master. */
export const roles = step({
  title: say`exactly one node takes writes`,
  cures: [
    {
      title: say`make a master that no replica follows a replica of the other one (REPLICAOF)`,
      consent: 'ask',
    },
  ],
  async check({ target, options, note, problem, cannotTell }) {
    const { reached, ...others } = await target.nodes()
    const unreached = [...others.unreached, ...others.strayed]
    const nodes = await lookAt(reached)
    const masters = nodes.filter((node) => node.isMaster)
    note(say`${count(masters.length, 'master')} among ${count(nodes.length, 'node')}`)
    if (nodes.some((node) => node.isCluster)) return note(say`a node of a cluster is not judged by its role`)
    if (nodes.some((node) => node.isFailingOver)) return note(say`a failover is under way`)

    if (masters.length > 1) {
      const stale = staleOf(nodes)
      problem({
        severity: 'critical',
        summary: say`${masters.length} nodes take writes as masters: ${masters.map(({ address }) => address)}`,
        advice: say`what is written to one is missing on the other: find out which one the clients and replicas use, and make the other its replica (REPLICAOF)`,
        evidence: { masters: masters.map(({ address }) => address).join(', ') },
        ...(stale !== null && { resolve: followAgain(stale.node, stale.master, target) }),
      })
      return
    }
    if (options.mode === 'sentinel' && masters.length === 0)
      return note(say`the step about the sentinels tells whether they name a master`)
    // A lone replica is watched for itself; where its master is not reached, the step "connect" tells of that.
    if (masters.length === 1 || nodes.length + unreached.length === 1) return
    if (unreached.length > 0)
      cannotTell(say`the master may be one that is not reached: ${unreached.map(({ address }) => address)}`)
    problem({
      severity: 'critical',
      summary: say`none of the ${nodes.length} nodes is a master: nothing takes writes`,
      advice: say`make the replica that is furthest ahead the master (REPLICAOF NO ONE), and the others its replicas`,
      evidence: { nodes: nodes.map(({ address }) => address).join(', ') },
    })
  },
})
