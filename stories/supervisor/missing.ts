import { type Cure, DidNotHelp, say, XmlRpcFault } from 'healthz'
import { isListed, type ProgramSettings, standardName } from './program.ts'
import { type Supervisor, step } from './target.ts'

/** A program whose section was never loaded runs nowhere and shows nowhere. */
export const missing = step({
  title: say`supervisord has loaded every expected program`,
  on: (options) => options.expect.length > 0,
  // What is not loaded stays so until a person loads it.
  confirm: 1,
  cures: [{ title: say`load the group of the program into supervisord`, consent: 'ask' }],
  async check({ target, options, signal, problem }) {
    const programs = await target.programs(signal)
    const absent = options.expect.filter((item) => !programs.some((program) => isListed([item], program)))
    if (absent.length === 0) return
    const settings = await target.settings(signal)
    for (const item of absent) {
      const name = standardName(item)
      const waiting = [...(settings?.values() ?? [])].find(
        (section) => !section.isInUse && isListed([item], section),
      )
      problem({
        key: name,
        severity: 'critical',
        summary:
          waiting === undefined
            ? say`${name} is not known to supervisord`
            : say`${name} is configured, but not loaded by supervisord`,
        advice: say`see that its section is in the configuration, then run: supervisorctl update`,
        evidence: { program: name },
        ...(waiting !== undefined && { resolve: loadCure(target, waiting) }),
      })
    }
  },
})

/** Loads a group whose section supervisord has read already; it never makes supervisord read again. */
function loadCure(supervisor: Supervisor, { group }: ProgramSettings): Cure {
  return {
    title: say`load the group ${group} into supervisord`,
    consent: 'ask',
    target: `${supervisor.address} ${group}`,
    async run({ signal }) {
      try {
        await supervisor.call('addProcessGroup', [group], signal)
      } catch (error) {
        if (!(error instanceof XmlRpcFault)) throw error
        if (error.code !== alreadyAdded)
          throw new DidNotHelp(say`supervisord refused to load it (fault ${error.code})`)
      }
    },
  }
}

const alreadyAdded = 90
