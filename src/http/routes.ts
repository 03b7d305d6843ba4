import type { ClusterView } from '../core/cluster.ts'
import { type Status, statusOf } from '../core/status.ts'
import type { Store } from '../core/store.ts'
import type { Language } from '../core/text.ts'
import { alarmJson } from './alarm-json.ts'
import type { Liveness } from './liveness.ts'
import { type Answer, json, type Route, text } from './server.ts'

export interface RoutePorts {
  readonly store: Store
  readonly language: Language
  readonly liveness: Liveness
  /** False once the process is on its way out. */
  readonly isReady: () => boolean
  readonly metrics: () => Promise<{ readonly type: string; readonly body: string }>
  /** What this node knows of its cluster; null: it is alone. */
  readonly view: (() => ClusterView) | null
}

/** Every path that is served. They read the store, never the engine; none changes anything. */
export function routesOf({
  store,
  language,
  liveness,
  isReady,
  metrics,
  view,
}: RoutePorts): Readonly<Record<string, Route>> {
  const status = async () => statusOf(await store.entries(), language)
  return {
    '/livez': () => {
      const stuck = liveness.stuck()
      return stuck.length === 0 ? text(200, 'ok\n') : text(503, `rounds do not finish: ${stuck.join(', ')}\n`)
    },
    '/readyz': () => (isReady() ? text(200, 'ok\n') : text(503, 'stopping\n')),
    '/healthz': async ({ url, accept }) => verdict(await status(), url.searchParams.has('verbose'), accept),
    '/metrics': async () => ({ status: 200, ...(await metrics()) }),
    ...(view !== null && { '/api/v1/ring': () => json(200, view()) }),
    '/api/v1/stories': async () => json(200, { stories: (await status()).entries }),
    '/api/v1/problems': async () => json(200, { problems: (await status()).problems }),
    '/api/v1/alarms': async ({ url }) => {
      const limit = Number(url.searchParams.get('limit') ?? 100)
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
        return json(400, { error: 'limit: 1 to 1000' })
      return json(200, { alarms: (await store.alarms(limit)).map((one) => alarmJson(one, language)) })
    },
  }
}

/** 200 while nothing critical is raised; 503 when there is, or when nothing was told yet. */
function verdict(status: Status, isVerbose: boolean, accept: string): Answer {
  const code = status.verdict === 'critical' || status.verdict === 'pending' ? 503 : 200
  const raised = status.problems.filter(({ phase }) => phase === 'raised')
  if (accept.includes('application/json')) return json(code, { verdict: status.verdict, problems: raised })
  const lines = isVerbose
    ? [
        ...raised.map(({ severity, entry, step, summary }) => `${severity} ${entry}/${step}: ${summary}`),
        ...status.entries.map(({ name, verdict: own }) => `${own} ${name}`),
      ]
    : []
  return text(code, [status.verdict, ...lines, ''].join('\n'))
}
