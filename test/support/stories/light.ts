import { readFile, writeFile } from 'node:fs/promises'
import { defineStory, say, z } from 'healthz'

/** A system that is as well as a file says: `red` is a problem, whatever else is fine. */
export default defineStory({
  title: say`Light`,
  options: z.strictObject({
    file: z.string(),
    /** Offers a cure, which turns the light green. */
    cure: z.enum(['auto', 'ask']).optional(),
    /** What hangs for good, whatever its signal says. */
    hangs: z.enum(['step', 'cure', 'close']).optional(),
  }),
  open: ({ options: { hangs } }) => ({
    [Symbol.asyncDispose]: () => (hangs === 'close' ? hang('close') : Promise.resolve()),
  }),
  steps: {
    green: {
      title: say`the light is green`,
      async check({ options: { file, cure, hangs }, note, problem }) {
        if (hangs === 'step') await hang('step')
        const colour = (await readFile(file, 'utf8').catch(() => 'green')).trim()
        note(say`it is ${colour}`)
        if (colour !== 'red') return
        problem({
          severity: 'critical',
          summary: say`the light is red for ${7} lanes (limit ${3})`,
          advice: say`look at the crossing and let someone through`,
          evidence: { lanes: 7 },
          ...(cure !== undefined && {
            resolve: {
              title: say`turn it green`,
              consent: cure,
              settle: 0,
              within: 2000,
              run: () => (hangs === 'cure' ? hang('cure') : writeFile(file, 'green')),
            },
          }),
        })
      },
    },
  },
})

/** Says that it hangs, never ends, and keeps nothing alive. */
function hang(what: string): Promise<void> {
  process.stderr.write(`the ${what} hangs\n`)
  return new Promise(() => {})
}
