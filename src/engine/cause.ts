import { concerns, connectStep, isBroken, stepOf } from '../core/dependencies.ts'
import { emptyState, type Transition } from '../core/judge.ts'
import type { Dependency, Entry } from '../core/plan.ts'
import type { EntryRecord } from '../core/store.ts'
import { visit } from './examine.ts'
import type { Looked } from './look.ts'
import type { RoundPorts } from './ports.ts'

type CausePorts = Pick<RoundPorts, 'entries' | 'store' | 'clock' | 'alarms' | 'launch' | 'redact'>

/**
 * The entry that explains what was found: the first broken one along what this entry depends on; null: none is
 * broken. One whose newest word is older than what was found is asked again, here and now.
 */
export async function causeOf(
  entry: Entry,
  looked: Looked,
  before: EntryRecord | null,
  ports: CausePorts,
  signal: AbortSignal,
): Promise<string | null> {
  const raised = Object.entries(looked.state.problems).filter(([, { phase }]) => phase === 'raised')
  if (raised.length === 0) return null
  const known = before?.state.problems ?? {}
  const wasExplained = raised.some(([id]) => known[id]?.cause !== undefined)
  return rootOf(entry, { at: looked.report.at, wasExplained }, ports, signal)
}

/** What is to be explained: since when it was looked at, and whether a cause explained it already. */
interface Found {
  readonly at: number
  readonly wasExplained: boolean
}

async function rootOf(
  entry: Entry,
  found: Found,
  ports: CausePorts,
  signal: AbortSignal,
): Promise<string | null> {
  for (const dependency of entry.dependsOn) {
    const other = ports.entries.find(({ name }) => name === dependency.entry)
    if (other === undefined) continue
    const record = await ports.store.entry(other.name)
    const isDown =
      isBroken(dependency, other, record) ||
      (found.wasExplained && isComingBack(dependency, record, ports)) ||
      ((record?.at ?? 0) <= found.at && (await isFoundBroken(dependency, other, record, ports, signal)))
    if (isDown) return (await rootOf(other, found, ports, signal)) ?? other.name
  }
  return null
}

/** What was explained by a cause has a while to come back by itself once that is mended. */
function isComingBack(
  { step }: Dependency,
  record: EntryRecord | null,
  { clock, alarms }: CausePorts,
): boolean {
  const steps = record?.state.steps ?? {}
  const watched = steps[step ?? connectStep]
  const since = (watched === undefined ? Object.values(steps) : [watched]).map((one) => one.since)
  return clock.now() - Math.max(0, ...since) < alarms.afterCause
}

async function isFoundBroken(
  dependency: Dependency,
  other: Entry,
  record: EntryRecord | null,
  ports: CausePorts,
  signal: AbortSignal,
): Promise<boolean> {
  await using visiting = visit(other, { ...ports, observe: () => {} })
  const only = stepOf(dependency, other.story)
  const memory = { state: record?.state ?? emptyState, samples: record?.samples ?? {} }
  const { report } = await visiting.tell(memory, signal, only === null ? undefined : [only])
  return report.steps.some(({ step, outcome, findings }) => {
    return (
      outcome === 'problem' &&
      findings.some(({ severity }) => concerns(dependency, { step, severity }, other.story))
    )
  })
}

/**
 * What a look comes to where its problems have a cause elsewhere: they stand, but people hear of the cause instead, and
 * no cure is tried before that one is mended.
 */
export function explainedBy(cause: string, looked: Looked, before: EntryRecord | null): Looked {
  const problems = Object.entries(looked.state.problems).map(([id, problem]) => {
    if (problem.phase !== 'raised') return [id, problem] as const
    return [id, { ...problem, cause, toldAt: before?.state.problems[id]?.toldAt ?? null }] as const
  })
  const isTold = ({ kind }: Transition) => kind === 'recovered' || kind === 'withdrawn'
  return {
    ...looked,
    state: { ...looked.state, problems: Object.fromEntries(problems) },
    transitions: looked.transitions.filter(isTold),
    cures: new Map(),
  }
}
