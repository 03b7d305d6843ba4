import { type Problem, say } from 'healthz'
import { readAliases } from './indices.ts'
import { admitHidden } from './names.ts'
import { step } from './target.ts'
import { tellAll } from './tell-all.ts'

/** What is searched under a fixed name is there. */
export const alias = step({
  title: say`every expected alias leads to an index`,
  on: ({ expectAliases }) => expectAliases.length > 0,
  async check({ target, options, signal, note, problem, cannotTell }) {
    const { byName, indices, hidden } = await readAliases(target.api, await target.health(signal), signal)
    const empty = options.expectAliases.filter((name) => !byName.has(name))
    note(
      say`${options.expectAliases.length - empty.length} of ${options.expectAliases.length} lead to an index`,
    )
    // It may lead to an index that the user does not see.
    if (empty.length > 0) admitHidden(hidden, target.api, cannotTell)
    const found = empty.map(
      (name): Problem => ({
        key: name,
        severity: 'warning',
        summary: indices.has(name)
          ? say`${name} is an index, where an alias is expected`
          : say`no index is behind the alias ${name}: who searches it finds nothing`,
        advice: say`see in the log of the job that sets the aliases why it did not`,
        evidence: { alias: name },
      }),
    )
    tellAll(found, { problem, note })
  },
})
