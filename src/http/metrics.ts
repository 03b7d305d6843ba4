import type { Gauge } from 'prom-client'
import type { Clock } from '../core/clock.ts'
import type { ClusterView } from '../core/cluster.ts'
import type { WatchmanEvent } from '../core/observer.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Plan } from '../core/plan.ts'
import type { Store } from '../core/store.ts'
import { clusterMetrics } from './cluster-metrics.ts'

/** The figures of this process for Prometheus, in a registry of its own. */
export interface Metrics {
  observe(event: WatchmanEvent): void
  /** Whether the configuration that was read last could be taken over. */
  reloaded(isTaken: boolean): void
  render(): Promise<{ readonly type: string; readonly body: string }>
  /** Ends what it measures by itself. */
  close(): void
}

const outcomes: readonly Outcome[] = ['ok', 'problem', 'unknown', 'skipped']

/** Labels come from the configuration only. */
export async function createMetrics(
  plan: Plan,
  {
    store,
    clock,
    version,
    view,
  }: {
    readonly store: Store
    readonly clock: Clock
    readonly version: string
    /** null: this node is alone. */
    readonly view: (() => ClusterView) | null
  },
): Promise<Metrics> {
  const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) => {
    return new Gauge({ name: `healthz_${name}`, help, labelNames, registers: [registry] })
  }
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) => {
    return new Counter({ name: `healthz_${name}`, help, labelNames, registers: [registry] })
  }
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: number[],
  ) => {
    return new Histogram({ name: `healthz_${name}`, help, labelNames, buckets, registers: [registry] })
  }

  gauge('build_info', 'The version that runs; always 1.', ['version', 'node_version']).set(
    { version, node_version: process.version },
    1,
  )
  gauge('config_hash_info', 'The hash of the effective configuration; always 1.', ['hash']).set(
    { hash: plan.hash },
    1,
  )
  const stepOutcome = gauge('step_outcome', '1 for the outcome that the step has, 0 for the others.', [
    'story',
    'step',
    'outcome',
  ])
  const stepDuration = histogram(
    'step_duration_seconds',
    'How long the step took to answer.',
    ['story', 'step'],
    seconds,
  )
  const roundDuration = histogram(
    'round_duration_seconds',
    'How long the round took, cures included.',
    ['story'],
    seconds,
  )
  const overruns = counter('round_overruns_total', 'Rounds left out because the one before had not ended.', [
    'story',
  ])
  const failures = counter('round_failures_total', 'Rounds that the watchman itself could not finish.', [
    'story',
  ])
  const lastRound = gauge('last_round_timestamp_seconds', 'When the last round ended.', ['story'])
  const resolves = counter('resolves_total', 'Cures tried, by result.', ['story', 'step', 'result'])
  const alarms = counter('alarms_total', 'Attempts to deliver an alarm, by result.', ['channel', 'result'])
  const delivery = histogram(
    'alarm_delivery_seconds',
    'From the owing of an alarm until its channel took it.',
    ['channel'],
    waits,
  )
  const fenced = counter('fenced_total', 'Acts refused because a newer process has taken over.', ['act'])
  const lag = gauge('event_loop_lag_seconds', 'How late timers are, 99th percentile since the last scrape.')
  const stored = storeGauges(gauge)
  const reload = gauge(
    'config_last_reload_successful',
    '1 while the configuration that was read last is the one that runs.',
  )
  reload.set(1)
  const cluster = view === null ? null : clusterMetrics({ gauge, counter, histogram })

  for (const { name } of plan.entries) overruns.inc({ story: name }, 0)
  for (const { name } of plan.channels)
    for (const result of ['sent', 'retry', 'failed']) alarms.inc({ channel: name, result }, 0)

  const { monitorEventLoopDelay } = await import('node:perf_hooks')
  const loop = monitorEventLoopDelay({ resolution: 20 })
  loop.enable()
  const began = new Map<string, number>()

  return {
    observe(event) {
      cluster?.observe(event)
      switch (event.type) {
        case 'round-began':
          began.set(event.entry, clock.elapsed())
          return
        case 'step-ended':
          stepDuration.observe({ story: event.entry, step: event.step }, event.took / 1000)
          for (const outcome of outcomes) {
            stepOutcome.set(
              { story: event.entry, step: event.step, outcome },
              outcome === event.outcome ? 1 : 0,
            )
          }
          return
        case 'round-ended':
          roundDuration.observe(
            { story: event.entry },
            (clock.elapsed() - (began.get(event.entry) ?? clock.elapsed())) / 1000,
          )
          lastRound.set({ story: event.entry }, clock.now() / 1000)
          for (const { step, outcome: is } of event.report.steps) {
            for (const outcome of outcomes)
              stepOutcome.set({ story: event.entry, step, outcome }, outcome === is ? 1 : 0)
          }
          return
        case 'round-overran':
          overruns.inc({ story: event.entry })
          return
        case 'round-failed':
          failures.inc({ story: event.entry })
          return
        case 'cure-ended':
          resolves.inc({ story: event.entry, step: event.step, result: event.result })
          return
        case 'alarm-settled':
          alarms.inc({ channel: event.channel, result: event.result })
          if (event.result === 'sent') delivery.observe({ channel: event.channel }, event.waited / 1000)
          return
        case 'fenced':
          fenced.inc({ act: event.act })
      }
    },
    async render() {
      lag.set(loop.percentile(99) / 1e9)
      loop.reset()
      await readStore(stored, store, clock.now(), plan)
      if (view !== null) cluster?.read(view())
      return { type: registry.contentType, body: await registry.metrics() }
    },
    reloaded: (isTaken) => reload.set(isTaken ? 1 : 0),
    close() {
      loop.disable()
    },
  }
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const waits = [1, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600]

type MakeGauge = <Label extends string = never>(
  name: string,
  help: string,
  labelNames?: Label[],
) => Gauge<Label>

function storeGauges(gauge: MakeGauge) {
  return {
    problems: gauge('problems', 'Problems raised now.', ['story', 'severity']),
    age: gauge('problem_age_seconds', 'How long the oldest raised problem of the step has lasted.', [
      'story',
      'step',
    ]),
    pending: gauge('alarms_pending', 'Alarms that their channel has not taken yet.', ['channel']),
    oldest: gauge(
      'alarm_oldest_pending_seconds',
      'How long the oldest undelivered alarm has waited; 0 where there is none.',
    ),
    writable: gauge(
      'store_writable',
      '1 while the store takes writes where it should; 0 while it is kept in memory.',
    ),
  }
}

/** Brings the gauges that speak of the store up to date. */
async function readStore(
  gauges: ReturnType<typeof storeGauges>,
  store: Store,
  now: number,
  plan: Plan,
): Promise<void> {
  gauges.problems.reset()
  gauges.age.reset()
  for (const { name, state } of await store.entries()) {
    const raised = Object.values(state.problems).filter(({ phase }) => phase === 'raised')
    for (const severity of ['warning', 'critical'] as const) {
      gauges.problems.set(
        { story: name, severity },
        raised.filter((problem) => problem.severity === severity).length,
      )
    }
    for (const { step, since } of raised.toSorted((a, b) => b.since - a.since)) {
      gauges.age.set({ story: name, step }, (now - since) / 1000)
    }
  }
  const backlog = await store.backlog(now)
  for (const { name } of plan.channels) {
    gauges.pending.set({ channel: name }, backlog.find(({ channel }) => channel === name)?.pending ?? 0)
  }
  const waiting = backlog.flatMap(({ oldest }) => (oldest === null ? [] : [now - oldest]))
  gauges.oldest.set(Math.max(0, ...waiting) / 1000)
  gauges.writable.set(store.trouble()?.isWritable === false ? 0 : 1)
}
