import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { count, defineStory, duration, milliseconds, say, z } from 'healthz'

/** A directory that some program empties. */
export default defineStory({
  title: 'Inbox',
  scope: 'node',
  options: z.strictObject({ directory: z.string(), maxAge: duration('10m') }),
  guide: { example: '- story: inbox\n  with: { directory: /var/spool/inbox, maxAge: 5m }' },

  steps: {
    waiting: {
      title: 'no file waits longer than the limit',
      confirm: 1, // the age of a file is a fact: one look is enough
      async check({ options: { directory, maxAge }, now, note, problem }) {
        const changed = await changeTimes(directory)
        if (changed.length === 0) return note('it is empty')
        const age = now() - Math.min(...changed)
        note(say`${count(changed.length, 'file')}, the oldest waits for ${milliseconds(age)}`)
        if (age <= maxAge) return
        problem({
          severity: 'critical',
          summary: say`a file has waited in ${directory} for ${milliseconds(age)} (limit ${milliseconds(maxAge)})`,
          advice: 'see whether the importer runs, and in its log which file it refuses',
          evidence: { files: changed.length, ageSeconds: Math.round(age / 1000) },
        })
      },
    },
  },
})

/** When each file was last changed. One that is taken away meanwhile is left out. */
async function changeTimes(directory: string): Promise<readonly number[]> {
  const names = await readdir(directory)
  const stats = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => null)))
  return stats.flatMap((found) => (found === null ? [] : [found.mtimeMs]))
}
