import { duration, milliseconds, say, z } from 'healthz'
import { step } from './target.ts'

/** All nodes are of one version, and nothing is used that the next one will not have. */
export const version = step({
  title: say`all nodes are of one version and use nothing deprecated`,
  on: false,
  limits: z.strictObject({ after: duration('1h') }),
  // It has lasted for an hour, or is a fact.
  confirm: 1,
  async check({ target, limits, signal, now, note, recall, remember, problem, cannotTell }) {
    const nodes = await target.api.get('/api/nodes?columns=name,running,applications', nodesShape, signal)
    const versions = nodes.flatMap(({ name, applications }) => {
      const rabbit = applications?.find((application) => application.name === 'rabbit')
      return rabbit === undefined ? [] : { name, version: rabbit.version }
    })
    const distinct = [...new Set(versions.map(({ version }) => version))].sort()
    note(say`RabbitMQ ${distinct}`)
    const before = recall<Mixture>()?.value
    const since = before?.versions === distinct.join() ? before.since : now()
    remember({ versions: distinct.join(), since } satisfies Mixture)
    const age = now() - since
    if (distinct.length > 1 && age >= limits.after) {
      problem({
        key: 'mixed',
        severity: 'warning',
        summary: say`the nodes have been of different versions for ${milliseconds(age)} (limit ${milliseconds(limits.after)}): ${versions.map((node) => say`${node.name} ${node.version}`)}`,
        advice: say`an upgrade got stuck: finish it on the nodes that are behind`,
        evidence: { versions: distinct.join(', ') },
      })
    }
    const used = await target.api.find('/api/deprecated-features/used', featuresShape, signal)
    if (used !== null && used.length > 0) {
      problem({
        key: 'deprecated',
        severity: 'warning',
        summary: say`features are used that a later version will not have: ${used.map(({ name }) => name)}`,
        advice: say`change the applications that use them before the next upgrade`,
        evidence: { features: used.map(({ name }) => name).join(', ') },
      })
    }
    if (versions.length === 0) cannotTell(say`the nodes do not tell their version`)
  },
})

interface Mixture {
  readonly versions: string
  readonly since: number
}

const nodesShape = z.array(
  z.looseObject({
    name: z.string(),
    applications: z.array(z.looseObject({ name: z.string(), version: z.string() })).nullish(),
  }),
)

const featuresShape = z.array(z.looseObject({ name: z.string() }))
