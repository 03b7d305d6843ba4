import { parseJson, say, z } from 'healthz'

import { step } from './target.ts'

/** The server says of itself that it is well. */
export const health = step({
  title: say`the server says that it is well`,
  async check({ target, signal, note, problem, cannotTell }) {
    const { status, body } = await target.ask('/health', signal)
    const { text } = target.version
    if (status === 404)
      cannotTell(
        say`InfluxDB ${text} has no check of its own health, which came with 1.8; switch this step off`,
      )
    if (status === 401 || status === 403) cannotTell(say`the user ${target.user} may not read /health`)
    const said = report.safeParse(parseJson(body)).data
    const isWell = status === 200 && (said?.status === 'pass' || body.trim() === 'OK')
    note(say`InfluxDB ${text}`)
    if (isWell) return
    if (said === undefined && status < 500) cannotTell(say`InfluxDB gave an answer of another form`)
    problem({
      severity: 'critical',
      summary: say`InfluxDB ${text} says that it is not well: ${said?.message?.slice(0, 200) || `HTTP status ${status}`}`,
      advice: say`see in its log what failed; a full or slow disk is the usual reason`,
      evidence: { status, says: said?.status ?? null },
    })
  },
})

const report = z.looseObject({ status: z.string(), message: z.string().optional() })
