import { setFlagsFromString } from 'node:v8'
import { runDaemon } from '../app/daemon.ts'
import { needsRestart } from '../app/reload.ts'
import type { WatchmanEvent } from '../core/observer.ts'
import { problemId } from '../core/outcome.ts'
import type { Plan } from '../core/plan.ts'
import { render } from '../core/text.ts'
import type { Context } from './context.ts'
import { loadConfiguration } from './load.ts'
import { createLog, type Log } from './log.ts'
import { resolvingOf } from './once.ts'
import type { RootOptions } from './root-options.ts'
import { startFault } from './start-fault.ts'

/** `healthz -d`: watches until it is asked to end. */
export async function daemon(options: RootOptions, context: Context): Promise<number> {
  staySmall()
  const plan = await loadConfiguration(options, context)
  const log = await createLog(context)
  try {
    await runDaemon(plan, resolvingOf(options), {
      signal: context.signal,
      reloads: (take) => onHangup(options, plan, take, context, log),
      version: context.version,
      observe: (event) => logEvent(event, plan, log),
      warned: ({ summary, advice }) =>
        log.warn(render(summary, plan.language), { advice: render(advice, plan.language) }),
      failed: (what, error) => log.error('request failed', { what, error: firstLine(error) }),
      started: (http) => {
        log.info('started', {
          version: context.version,
          platform: plan.platform,
          node: plan.node,
          stories: plan.entries.length,
          channels: plan.channels.length,
          store: plan.store.file ?? 'memory',
          http: http === null ? 'off' : `http://${http.host}:${http.port}`,
          pid: process.pid,
        })
      },
    })
  } catch (error) {
    throw startFault(error, plan) ?? error
  }
  log.info('stopped', { by: String(context.signal.reason) })
  return 0
}

/** Reads the configuration again at each SIGHUP. One with faults, or one that needs a restart, changes nothing. */
function onHangup(
  options: RootOptions,
  first: Plan,
  take: (outcome: Plan | null) => void,
  context: Context,
  log: Log,
): Disposable {
  let running = first
  const reload = async () => {
    try {
      const plan = await loadConfiguration(options, context)
      const fixed = needsRestart(running, plan)
      take(plan)
      if (fixed.length > 0)
        return log.error('reload refused: a restart is needed', { changed: fixed.join(', ') })
      running = plan
      log.info('reloaded', { stories: plan.entries.length, hash: plan.hash })
    } catch (error) {
      take(null)
      log.error('reload refused: the configuration has faults; the old one goes on', {
        faults: error instanceof Error ? error.message : String(error),
      })
    }
  }
  // One after another: what was read last is what counts.
  let turn = Promise.resolve()
  return context.onHangup(() => {
    turn = turn.then(reload)
  })
}

/**
 * A watchman idles nearly always: a young heap that does not grow costs a little CPU and saves
 * about a sixth of its memory (npm run bench:idle).
 */
function staySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

function logEvent(event: WatchmanEvent, plan: Plan, log: Log): void {
  switch (event.type) {
    case 'round-ended':
      log.debug('round ended', { entry: event.entry, tookMs: Math.round(event.report.took) })
      for (const { kind, problem } of event.transitions) {
        const told = {
          problem: `${event.entry}/${problemId(problem.step, problem.key)}`,
          severity: problem.severity,
          summary: render(problem.summary, plan.language),
        }
        if (kind === 'recovered') log.info(kind, told)
        else log.warn(kind, told)
      }
      return
    case 'round-failed':
      log.error('round failed', { entry: event.entry, error: firstLine(event.error) })
      return
    case 'round-interrupted':
      log.debug('round interrupted', { entry: event.entry })
      return
    case 'round-overran':
      log.warn('round overran', { entry: event.entry })
      return
    case 'cure-began':
      log.info('cure began', { problem: `${event.entry}/${event.problem}` })
      return
    case 'cure-ended':
      log.info('cure ended', { step: `${event.entry}/${event.step}`, result: event.result })
      return
    case 'alarm-settled':
      if (event.result === 'sent' && event.error === null) log.debug('alarm sent', { channel: event.channel })
      else log.warn('alarm not taken', { channel: event.channel, result: event.result, error: event.error })
      return
    case 'courier-failed':
      log.error('courier failed', { channel: event.channel, error: firstLine(event.error) })
      return
    case 'fenced':
      log.warn('fenced', { act: event.act })
      return
    case 'leader-changed':
      log.info('leader', { name: event.name ?? 'nobody', epoch: event.epoch })
      return
    case 'seat-gained':
      if (event.seat === 'leader') log.info('this node leads', { epoch: event.epoch })
      else log.debug('seat gained', { seat: event.seat, epoch: event.epoch })
      return
    case 'seat-lost':
      if (event.seat === 'leader') log.warn('this node leads no more', { why: event.why })
      else log.debug('seat lost', { seat: event.seat, why: event.why })
      return
    case 'mode-changed':
      if (event.fault === null) log.info('cluster', { mode: event.mode })
      else log.error('cluster', { mode: event.mode, redis: event.fault })
      return
    case 'duplicate-name':
      log.error('another member of the cluster has the name of this node; it waits until that one is gone', {
        node: event.name,
      })
      return
    case 'data-lost':
      log.error('the coordinating Redis has lost its data; what this node knows is written anew', {})
  }
}

const firstLine = (error: unknown) =>
  error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
