import { circleIn } from '../core/dependencies.ts'
import { say } from '../core/text.ts'
import type { EntryContext, NamedEntry } from './entry.ts'
import type { Path } from './source.ts'

/** What entries depend on must be there, where they can see it, and in no circle. */
export function checkDependencies(named: readonly NamedEntry[], { findings, redact }: EntryContext): void {
  const names = named.map(({ name }) => name)
  const byName = new Map(named.map((one) => [one.name, one]))
  const before = findings.count
  for (const one of named) {
    for (const [index, { entry, step }] of (one.entry?.dependsOn ?? []).entries()) {
      const path = [...entryPath(one), 'dependsOn', index]
      const other = byName.get(entry)
      if (other === undefined) {
        findings.at(path, say`there is no entry "${redact(entry)}"`, {
          misspelt: { word: entry, known: names },
        })
      } else if (step !== null && other.entry !== null && !(step in knownSteps(other.entry))) {
        findings.at(path, say`the entry "${redact(entry)}" has no step "${redact(step)}"`, {
          misspelt: { word: step, known: Object.keys(knownSteps(other.entry)) },
        })
      } else if (one.entry?.scope === 'cluster' && other.entry?.scope === 'node') {
        findings.at(
          path,
          say`"${redact(entry)}" is told by every node of itself, and this by one node for all`,
          {
            hint: say`give both the same scope`,
          },
        )
      }
    }
  }
  if (findings.count > before) return
  const circle = circleIn(named.flatMap(({ entry }) => entry ?? []))
  const first = circle === null ? undefined : byName.get(circle[0] ?? '')
  if (circle === null || first === undefined) return
  findings.at(
    [...entryPath(first), 'dependsOn'],
    say`these depend on each other: ${circle.map(redact).join(' -> ')}`,
  )
}

/** Every story has the step `connect` where it reaches its system. */
const knownSteps = ({ story }: NonNullable<NamedEntry['entry']>): object => {
  return story.open === undefined ? story.steps : { connect: true, ...story.steps }
}

const entryPath = ({ path }: NamedEntry): Path => path.slice(0, 2)
