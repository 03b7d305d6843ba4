import { say } from 'healthz'
import { bringBack } from './bring-back.ts'
import { isDown, step } from './target.ts'

/** Somebody answers. Without "resolveWith" that is told by the opening already. */
export const connect = step({
  title: say`the server answers at all`,
  cures: [{ title: say`start or restart what serves the page, as "resolveWith" says`, consent: 'ask' }],
  async check({ target, options, signal, problem, cannotTell }) {
    const failure = await target.failure(signal)
    if (failure === null) return
    const { kind, address, severity, summary, advice } = failure
    if (kind === 'local' || kind === 'not-allowed') cannotTell(summary)
    const { resolveWith: how, url } = options
    problem({
      severity,
      summary,
      advice,
      evidence: { kind, address },
      ...(how !== undefined && isDown(failure) && { resolve: bringBack(how, target, url.url.hostname) }),
    })
  },
})
