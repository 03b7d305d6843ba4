import { CannotTell, ConnectionFailure, milliseconds, say, type Text } from 'healthz'
import { type Prometheus, step } from './target.ts'
import { seriesOf } from './values.ts'

/** It runs a query, and gives the right result. */
export const up = step({
  title: say`it runs queries`,
  on: ({ url }) => url !== undefined,
  async check({ target, signal, note, problem }) {
    const start = performance.now()
    const why = await whyNot(target, signal)
    note(say`answers a query in ${milliseconds(performance.now() - start)}`)
    if (why === null) return
    problem({
      severity: 'critical',
      summary: say`${target.address} does not run queries: ${why}`,
      advice: say`see in its log and its memory what keeps it; or the address belongs to something else: then correct the URL of this entry`,
    })
  },
})

/** Null where it does. @throws ConnectionFailure where that says nothing about the server. */
async function whyNot(target: Prometheus, signal: AbortSignal): Promise<Text | null> {
  try {
    const [series] = seriesOf(await target.query('1', signal)) ?? []
    return series?.value === 1 ? null : say`it gives a wrong result for the query 1`
  } catch (error) {
    if (error instanceof CannotTell) return error.reason
    if (!(error instanceof ConnectionFailure)) throw error
    if (error.kind === 'local' || error.kind === 'not-allowed') throw error
    return error.summary
  }
}
