import { type Keeper, type Run, runOnce } from '../app/once.ts'
import type { Entry, Plan } from '../core/plan.ts'
import { render, say, type Text } from '../core/text.ts'
import type { Resolving } from '../engine/round.ts'
import { CommandFault, type Context } from './context.ts'
import { whyLost } from './coordinator.ts'
import { liveView } from './live.ts'
import { chosenEntries, loadConfiguration } from './load.ts'
import { type RunReport, runReport } from './report/run-report.ts'
import type { RootOptions } from './root-options.ts'
import { startFault } from './start-fault.ts'

/** `healthz --once`: tells every story, cures, prints the report, and gives the state as the exit code. */
export async function once(options: RootOptions, context: Context): Promise<number> {
  const plan = await loadConfiguration(options, context)
  const entries = await entriesOf(plan, await chosenEntries(plan, options))
  if (entries.length === 0) {
    throw new CommandFault(
      render(say`healthz: there is nothing to tell: the configuration has no such stories`, plan.language),
    )
  }
  const { stdout, stderr, signal } = context
  const isLive = stdout.isTerminal && stderr.isTerminal && options.format === 'text'
  const run = await (async () => {
    using view = isLive ? liveView(entries, plan.language, stderr) : null
    const wish = { resolving: resolvingOf(options), alarm: options.alarm === true }
    const observe = view === null ? () => {} : view.observe
    try {
      return await runOnce(plan, entries, wish, { signal, observe })
    } catch (error) {
      if (signal.aborted) return null
      throw startFault(error, plan) ?? error
    }
  })()
  if (run === null) {
    await stderr.write(`${render(say`healthz: interrupted; nothing was decided`, plan.language)}\n`)
    return signal.reason === 'SIGINT' ? 130 : 143
  }
  const report = runReport(plan, run)
  await stdout.write(await formatted(report, options, context, plan.language))
  for (const remark of await remarks(run, plan)) await stderr.write(`${render(remark, plan.language)}\n`)
  return report.exitCode
}

/** How far a run goes, by its options. */
export function resolvingOf({ resolve, dryRun }: RootOptions): Resolving {
  if (!resolve) return 'no'
  return dryRun === true ? 'rehearse' : 'yes'
}

async function formatted(
  report: RunReport,
  { format }: RootOptions,
  { stdout }: Context,
  language: Parameters<typeof render>[1] & object,
): Promise<string> {
  switch (format) {
    case 'json':
      return (await import('./report/json.ts')).jsonReport(report)
    case 'junit':
      return (await import('./report/junit.ts')).junitReport(report)
    case 'tap':
      return (await import('./report/tap.ts')).tapReport(report)
    case 'text': {
      const width = stdout.isTerminal ? Math.min(stdout.columns, 120) : 120
      return (await import('./report/text.ts')).textReport(report, { colour: stdout.colour, width, language })
    }
  }
}

/** In a cluster, what a node tells of itself bears its name, and some of it is for nodes with a role. */
async function entriesOf(plan: Plan, chosen: readonly Entry[]): Promise<readonly Entry[]> {
  if (plan.cluster === null) return chosen
  const { entriesHere } = await import('../app/shift.ts')
  return entriesHere({ ...plan, entries: chosen })
}

/** What a person should know of the run beside its report. */
async function remarks({ keeper, undelivered, trouble }: Run, plan: Plan): Promise<readonly Text[]> {
  const kept = keeper === null ? [] : [await remarkOn(keeper, plan)]
  const lost =
    undelivered !== null && undelivered > 0
      ? [say`healthz: ${undelivered} alarms could not be delivered`]
      : []
  const ill = trouble === null ? [] : [say`healthz: ${trouble.text}`]
  return [...kept, ...lost, ...ill]
}

async function remarkOn(keeper: Keeper, { cluster }: Plan): Promise<Text> {
  switch (keeper.type) {
    case 'process':
      return say`healthz: process ${String(keeper.pid ?? '?')} keeps the store and does the curing; this run only looked`
    case 'cluster':
      return keeper.leader === null
        ? say`healthz: the cluster ${keeper.name} keeps watch, led by nobody at this moment; this run only looked`
        : say`healthz: the cluster ${keeper.name} keeps watch, led by ${keeper.leader}; this run only looked`
    case 'unknown': {
      const summary = cluster === null ? keeper.error.message : (await whyLost(keeper.error, cluster)).summary
      return say`healthz: whether the cluster ${keeper.name} keeps watch is not known: ${summary}; this run only looked`
    }
  }
}
