import { bytes, say, type Text } from 'healthz'
import type { Options } from './options.ts'
import { shown, step } from './target.ts'

/** The page answers with a status that is fine. */
export const status = step({
  title: say`the page answers as it should`,
  async check({ target, options, signal, note, problem }) {
    const { response, url } = await target.page(signal)
    const { status, body, isBroken } = response
    note(say`HTTP status ${String(status)}`)
    if (isBroken) {
      problem({
        key: 'broken',
        severity: 'critical',
        summary: say`the answer of ${shown(url)} breaks off after ${bytes(Buffer.byteLength(body))}`,
        advice: say`see in the server's log why it closes the connection: a worker that is killed, or a proxy whose buffer is full`,
        evidence: { status },
      })
    }
    if (isExpected(status, options.expect)) return
    problem({
      severity: 'critical',
      summary: say`${shown(url)} answers with HTTP status ${String(status)} (expected ${options.expect.map(String)})`,
      advice: adviceOn(status),
      evidence: { status, url: shown(url) },
    })
  },
})

function isExpected(status: number, expected: Options['expect']): boolean {
  return expected.some((range) => {
    const [from = 0, to = from] = String(range).split('-').map(Number)
    return status >= from && status <= to
  })
}

function adviceOn(status: number): Text {
  const known = advices[status]
  if (known !== undefined) return known
  if (status >= 500) return say`see in the log of the application what failed`
  if (status >= 400)
    return say`check the path and the method of this entry, and whether the application was deployed whole`
  return say`check the statuses that this entry expects`
}

const advices: Readonly<Record<number, Text>> = {
  401: say`it wants a login: give this entry a user and a password, or a header with a token`,
  403: say`check what the user or the token of this entry may see`,
  404: say`check the path of this entry, and whether the application was deployed whole`,
  429: say`it is asked too often: ask less often, or have this host exempted`,
  500: say`see in the log of the application what failed`,
  502: say`the proxy in front cannot reach the application behind it: start that one`,
  503: say`it is overloaded or in maintenance: look at its workers and at what they wait for`,
  504: say`the application behind the proxy is too slow: look at its workers and at what they wait for`,
}
