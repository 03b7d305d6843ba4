import { stat } from 'node:fs/promises'
import { duration, milliseconds, say, z } from 'healthz'
import { startBeat, startTitle } from './start-beat.ts'
import { step } from './target.ts'

/** The default scheduler writes its file every few minutes. Told on the host of beat: `scope: node`. */
export const file = step({
  title: say`beat writes its schedule`,
  on: (options) => options.file !== undefined,
  cures: [{ title: startTitle, consent: 'auto' }],
  limits: z.strictObject({
    fileAge: duration('10m').meta({ description: 'longer where no entry is due that often' }),
  }),
  async check({ options, limits, now, note, problem, cannotTell }) {
    const { file = '' } = options
    const found = await newestOf(file)
    if (typeof found === 'string') {
      return cannotTell(
        found === 'ENOENT'
          ? say`there is no file ${file} on this host: beat was never there, or writes another`
          : say`the file ${file} cannot be looked at (${found})`,
      )
    }
    if (found.ending === berkeley) {
      return cannotTell(
        say`${file + berkeley} is a Berkeley DB, which beat writes only when it stops: give its Python another database (Debian: python3-gdbm), and remove this file while beat is stopped`,
      )
    }
    const age = now() - found.at
    note(say`written ${milliseconds(Math.max(0, age))} ago`)
    if (age <= limits.fileAge) return
    problem({
      severity: 'warning',
      summary: say`beat has not written ${file} for ${milliseconds(age)} (limit ${milliseconds(limits.fileAge)})`,
      advice: say`start beat, or restart it if it hangs; see first that no other beat runs: this scheduler has no lock`,
      evidence: { file, ageSeconds: Math.round(age / 1000) },
      ...startBeat(options, async () => {
        const fresh = await newestOf(file)
        return typeof fresh !== 'string' && now() - fresh.at > limits.fileAge
      }),
    })
  },
})

/** What Python's `dbm.ndbm` adds to the name where it keeps a Berkeley DB: that holds all in memory until it is closed. */
const berkeley = '.db'

/** Python's shelve adds what its database likes to the name; SQLite writes to its log long before its file. */
const endings = ['', '-wal', berkeley, '.dat', '.dir', '.pag']

interface Written {
  readonly ending: string
  /** In milliseconds. */
  readonly at: number
}

/** What of it was written last, and when; or why that cannot be told. */
async function newestOf(file: string): Promise<Written | string> {
  const found = await Promise.all(
    endings.map((ending) =>
      stat(file + ending).then(
        ({ mtimeMs }) => ({ ending, at: mtimeMs }),
        (error: NodeJS.ErrnoException) => error.code ?? 'EIO',
      ),
    ),
  )
  const written = found.filter((one) => typeof one !== 'string')
  const newest = written.toSorted((a, b) => b.at - a.at)[0]
  return newest ?? found.find((code) => typeof code === 'string' && code !== 'ENOENT') ?? 'ENOENT'
}
