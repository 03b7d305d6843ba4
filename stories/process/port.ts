import { say } from 'healthz'
import { listeningInodes, ownersOf } from './listeners.ts'
import { named, type Options, step } from './target.ts'

/** The port is served, and by the right program. */
export const port = step({
  title: say`the right process listens on the port`,
  on: (options) => options.port !== undefined,
  async check({ target, options, signal, note, problem, cannotTell }) {
    const number = options.port ?? 0
    const name = String(number)
    const inodes = await listeningInodes(number)
    if (inodes.size === 0) {
      return problem({
        severity: 'critical',
        summary: say`nothing listens on port ${name} of this host`,
        advice: say`start the service; its own log says why it ended or could not take the port`,
        evidence: { port: number },
      })
    }
    const expected = isSomebodyExpected(options) ? await target.find(signal) : null
    const { owners, isPartial } = await ownersOf(inodes, expected ?? [])
    const [owner] = owners
    if (owner === undefined) {
      if (expected === null) return note(say`something listens on port ${name}`)
      return cannotTell(
        isPartial
          ? say`the watchman's user may not see who listens on port ${name}: run it as root`
          : say`the process that listens on port ${name} is not to be seen from here, it may run in another container`,
      )
    }
    note(say`${named(owner)} listens on port ${name}`)
    if (expected === null || owners.some(({ pid }) => expected.some((process) => process.pid === pid))) return
    problem({
      severity: 'critical',
      summary: say`port ${name} is held by ${named(owner)}, which is another program`,
      advice: say`clients reach the wrong service: end the other one or move it, then start the right one`,
      evidence: { port: number, pid: owner.pid, program: owner.comm },
    })
  },
})

/** With a port alone, whoever listens is right. */
function isSomebodyExpected({ pattern, pidfile, unit }: Options): boolean {
  return pattern !== undefined || pidfile !== undefined || unit !== undefined
}
