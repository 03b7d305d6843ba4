import { statusOf } from '../core/status.ts'
import { render, say } from '../core/text.ts'
import type { Context } from './context.ts'
import { keptStore } from './kept-store.ts'
import { loadConfiguration } from './load.ts'
import { exitCodeOf, type RunReport } from './report/run-report.ts'
import { textReport } from './report/text.ts'
import type { RootOptions } from './root-options.ts'

/** `healthz status`: what was seen last, from the store, with the exit codes of --once; 3 where nothing was told yet. */
export async function status(options: RootOptions, context: Context): Promise<number> {
  const plan = await loadConfiguration(options, context)
  await using store = await keptStore(plan)
  const records = await store.entries()
  const seen = statusOf(records, plan.language)
  const newest = Math.max(0, ...records.map(({ at }) => at))
  const report: RunReport = {
    platform: plan.platform,
    node: plan.node,
    at: new Date(newest).toISOString(),
    tookSeconds: null,
    verdict: seen.verdict,
    exitCode: seen.verdict === 'pending' ? 3 : exitCodeOf(seen.verdict),
    problems: seen.problems,
    healed: [],
    entries: seen.entries,
  }
  const { stdout } = context
  if (options.format === 'json') await stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else if (records.length === 0) await stdout.write(`${render(say`nothing was told yet`, plan.language)}\n`)
  else {
    const width = stdout.isTerminal ? Math.min(stdout.columns, 120) : 120
    await stdout.write(textReport(report, { colour: stdout.colour, width, language: plan.language }))
  }
  return report.exitCode
}
