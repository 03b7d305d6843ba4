import { say } from 'healthz'
import { isOn, type Server, step } from './target.ts'

/** The read-only flag matches the role that the entry expects. */
export const writable = step({
  title: say`the server takes writes where it should, and only there`,
  on: ({ expect }) => expect !== undefined,
  async check({ target, options, note, problem }) {
    const { isReadOnly } = target
    note(isReadOnly ? say`it is read-only` : say`it is writable`)
    if (isReadOnly && options.expect === 'replica' && (await letsAdministratorsWrite(target)))
      note(say`users with the right SUPER or CONNECTION_ADMIN may write all the same: super_read_only is off`)
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

/** Only MySQL has the flag that holds for everybody. */
async function letsAdministratorsWrite(server: Server): Promise<boolean> {
  if (server.isMariadb) return false
  const [row] = await server.ask('select @@global.super_read_only as isForAll')
  return !isOn(row, 'isForAll')
}
