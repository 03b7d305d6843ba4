import { say, type Text, z } from 'healthz'
import { step } from './target.ts'
import { isFrom } from './version.ts'

/** What Elasticsearch finds out about itself, from version 8.7 on. */
export const healthReport = step({
  title: say`the health report of Elasticsearch is green`,
  limits: z.strictObject({
    ignore: z
      .array(z.string())
      .meta({ description: 'indicators left out; by default those that other steps look at' })
      .default(['shards_availability', 'disk', 'shards_capacity', 'ilm']),
  }),
  async check({ target, limits, signal, note, problem, cannotTell }) {
    const { api, version } = target
    if (!isFrom(version, 'elasticsearch', '8.7'))
      cannotTell(
        say`there is no health report before Elasticsearch 8.7; write "health-report: off" under "steps"`,
      )
    const { indicators } = await api.get('/_health_report?verbose=false', shape, signal)
    const told = Object.entries(indicators).filter(([name]) => !limits.ignore.includes(name))
    note(say`looked at: ${told.map(([name]) => name)}`)
    const bad = told.filter(([, { status }]) => status === 'yellow' || status === 'red')
    for (const [name, { status }] of bad) {
      // Dear to the server, so it is asked only for what is wrong.
      const path = `/_health_report/${encodeURIComponent(name)}?verbose=true`
      const found = (await api.find(path, shape, signal))?.indicators[name]
      problem({
        key: name,
        severity: status === 'red' ? 'critical' : 'warning',
        summary: say`Elasticsearch finds ${name} ${status}: ${found?.symptom ?? '?'}`,
        advice: adviceOf(found),
        evidence: { indicator: name, status },
      })
    }
    const unknown = told.filter(([, { status }]) => status === 'unknown').map(([name]) => name)
    if (unknown.length > 0) cannotTell(say`Elasticsearch itself cannot tell: ${unknown}`)
  },
})

function adviceOf(found: z.output<typeof indicator> | undefined): Text {
  const actions = (found?.diagnosis ?? []).flatMap(({ action }) => action ?? [])
  return actions.length > 0 ? say`${actions.slice(0, 3)}` : say`GET /_health_report tells more`
}

const indicator = z.looseObject({
  status: z.string(),
  symptom: z.string().optional(),
  diagnosis: z.array(z.looseObject({ action: z.string().optional() })).optional(),
})

const shape = z.looseObject({ indicators: z.record(z.string(), indicator) })
