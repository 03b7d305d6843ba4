import { say } from 'healthz'
import { step } from './target.ts'

/** The read-only flag matches the role that the entry expects. */
export const writable = step({
  title: say`the server takes writes where it should, and only there`,
  on: ({ expect }) => expect !== undefined,
  check({ target, options, note, problem }) {
    const { isReadOnly } = target
    note(isReadOnly ? say`it is read-only` : say`it is writable`)
    if (options.expect === 'writable' && isReadOnly) {
      problem({
        severity: 'critical',
        summary: say`the server is read-only, but it should take writes`,
        advice: say`a fail-over may have stopped half-way: find out which server should be the source, then set read_only to match`,
        evidence: { readOnly: true },
      })
    }
    if (options.expect === 'replica' && !isReadOnly) {
      problem({
        severity: 'warning',
        summary: say`the server takes writes, but it should be a replica: a write to it makes its data differ from the source`,
        advice: say`set read_only to 1, unless this server has just become the source`,
        evidence: { readOnly: false },
      })
    }
  },
})
