import { userInfo } from 'node:os'
import type { Plan } from '../core/plan.ts'
import { statusOf } from '../core/status.ts'
import type { EntryRecord } from '../core/store.ts'
import { milliseconds, render, say } from '../core/text.ts'
import { systemClock } from '../engine/system-clock.ts'
import { CommandFault, type Context } from './context.ts'
import { keptStore } from './kept-store.ts'
import { loadConfiguration } from './load.ts'
import type { RootOptions } from './root-options.ts'

/** How long a consent holds, in milliseconds: a person who says yes means the problem of now. */
const consentFor = 3_600_000

/** `healthz resolve list`: the raised problems whose cure waits for a person. */
export async function listCures(options: RootOptions, context: Context): Promise<number> {
  const plan = await loadConfiguration(options, context)
  await using store = await keptStore(plan)
  const waiting = waitingCures(await store.entries(), plan)
  for (const { id, summary, title } of waiting)
    await context.stdout.write(`${id}\n    ${summary}\n    → ${title}\n`)
  if (waiting.length === 0)
    await context.stdout.write(`${render(say`no cure waits for consent`, plan.language)}\n`)
  return 0
}

/** `healthz resolve approve`: lets the next round try one cure. */
export async function approveCure(problem: string, options: RootOptions, context: Context): Promise<number> {
  const plan = await loadConfiguration(options, context)
  await using store = await keptStore(plan, { isWriting: true })
  const waiting = waitingCures(await store.entries(), plan)
  const found = waiting.find(({ id }) => id === problem)
  if (found === undefined) {
    const known = waiting.length === 0 ? render(say`none`, plan.language) : waiting.map(({ id }) => id)
    throw new CommandFault(
      render(say`healthz: no cure of "${problem}" waits for consent; waiting: ${known}`, plan.language),
    )
  }
  const at = systemClock.now()
  await store.approve({
    entry: found.entry,
    problem: found.problem,
    by: userInfo().username,
    at,
    until: at + consentFor,
  })
  await context.stdout.write(
    `${render(say`approved for one attempt within ${milliseconds(consentFor)}: ${found.title}; the next round of ${found.entry} tries it`, plan.language)}\n`,
  )
  return 0
}

function waitingCures(records: readonly EntryRecord[], { language }: Plan) {
  return statusOf(records, language).problems.flatMap(({ phase, cure, entry, step, key, summary }) => {
    if (phase !== 'raised' || cure?.consent !== 'ask') return []
    const problem = key === '' ? step : `${step}/${key}`
    return [{ id: `${entry}/${problem}`, entry, problem, summary, title: cure.title }]
  })
}
