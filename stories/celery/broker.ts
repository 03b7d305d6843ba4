import { ConnectionFailure, say } from 'healthz'
import { step } from './target.ts'

/** Tasks can be put into the broker and taken out of it: a question to the workers goes the same way. */
export const broker = step({
  title: say`the broker takes tasks`,
  confirm: 2,
  async check({ target, signal, note, problem, cannotTell }) {
    try {
      await target.ask('ping', signal)
      note(say`${target.address} takes messages`)
    } catch (error) {
      if (!(error instanceof ConnectionFailure)) throw error
      const { kind, address, summary, advice } = error
      if (kind === 'not-allowed' || kind === 'local') cannotTell(summary)
      problem({
        severity: 'critical',
        summary: say`no task can be sent: ${summary}`,
        advice,
        evidence: { kind, address },
      })
    }
  },
})
