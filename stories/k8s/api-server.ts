import { say } from 'healthz'
import { step } from './target.ts'

/** The API server is ready by its own word. */
export const apiServer = step({
  title: say`the API server is ready`,
  async check({ target, signal, note, problem, cannotTell }) {
    note(say`Kubernetes ${target.version}`)
    const { status, body } = await target.api.ask('/readyz?verbose', signal)
    if (status === 200) return
    if (status === 401 || status === 403)
      cannotTell(
        say`the watchman's account may not ask GET /readyz: bind the ClusterRole system:public-info-viewer or one with this URL`,
      )
    if (status === 404) cannotTell(say`this version of Kubernetes does not know ${'/readyz'}`)
    const failed = failedChecks(body)
    problem({
      severity: 'critical',
      summary:
        failed.length === 0
          ? say`the API server is not ready (HTTP status ${String(status)})`
          : say`the API server is not ready: these of its checks fail: ${failed}`,
      advice: failed.some((check) => check.startsWith('etcd'))
        ? say`look at etcd first: its members, its disk and its certificates; then at the log of the API server`
        : say`see in the log of the API server why; kubectl get --raw '/readyz?verbose' lists its checks`,
      evidence: { status, failed: failed.join(', ') },
    })
  },
})

/** The names behind `[-]` in `[-]etcd failed: reason withheld`. */
export function failedChecks(text: string): readonly string[] {
  return [...text.matchAll(/^\[-\](\S+) failed/gm)].map(([, name = '']) => name).slice(0, 10)
}
