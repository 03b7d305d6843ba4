import { stringify } from 'yaml'
import type { ClusterPlan, CoordinatorPlan } from '../core/cluster.ts'
import type { ConsulPlan } from '../core/consul.ts'
import type { StepPolicy } from '../core/judge.ts'
import type { ChannelEntry, Entry, Plan, StepPlan } from '../core/plan.ts'
import { createRedactor, type Redact } from '../core/secret.ts'
import { alarmsSchema } from './alarms-schema.ts'
import { clusterSchema } from './cluster-schema.ts'
import { consulSchema } from './consul-schema.ts'
import { urlOf } from './coordinator.ts'
import { entrySchema } from './entry-schema.ts'
import { writtenEndpoint } from './fields.ts'
import { written, writtenDuration } from './written.ts'

/** The effective configuration as YAML: everything that holds, defaults included, and every secret as `***`. */
export function showPlan(plan: Plan): string {
  const redact = createRedactor(plan.secrets)
  const { file, retention } = plan.store
  const shown = {
    platform: plan.platform,
    node: plan.node,
    language: plan.language.code,
    stories: plan.entries.map((entry) => showEntry(entry, redact)),
    channels: Object.fromEntries(
      plan.channels.map((channel) => [channel.name, showChannel(channel, redact)]),
    ),
    alarms: showAlarms(plan, redact),
    store: { file: file ?? 'memory', retention: writtenDuration(retention) },
    http: plan.http === null ? 'off' : { listen: writtenEndpoint(plan.http) },
    limits: plan.limits,
    cluster: plan.cluster === null ? undefined : showCluster(plan.cluster, redact),
    consul: plan.consul === null ? undefined : showConsul(plan.consul, redact),
    roles: plan.roles.map(redact),
  }
  return stringify(shown, { lineWidth: 110, aliasDuplicateObjects: false })
}

function showChannel({ kind, channel, options }: ChannelEntry, redact: Redact): object {
  return { use: kind, ...(written(options, channel.options, redact) as object) }
}

function showAlarms({ alarms, entries: [first] }: Plan, redact: Redact): object {
  // These hold for every entry alike; what an entry may change is shown with the entry.
  const { remindEvery, blindAfter, flapping } = first?.policy ?? {}
  const { fallback, ...others } = alarms
  const reminders = remindEvery === null ? { remindEvery: 'never' } : { remindEvery }
  const shown = { ...others, fallback: fallback ?? undefined, ...reminders, blindAfter, flapping }
  return written(shown, alarmsSchema, redact) as object
}

/** With each time as it holds, whatever the profile. */
function showCluster({ redis, secret, advertise, ...others }: ClusterPlan, redact: Redact): object {
  const settings = { ...others, secret: secret ?? undefined, advertise: advertise ?? undefined }
  const { name, ...rest } = written(settings, clusterSchema, redact) as Record<string, unknown>
  return { name, redis: showCoordinator(redis, redact), ...rest }
}

function showConsul({ url, token, ca, id, address, ...others }: ConsulPlan, redact: Redact): object {
  const settings = {
    url: url.href,
    ...others,
    token: token ?? undefined,
    ca: ca ?? undefined,
    id: id ?? undefined,
    address: address ?? undefined,
  }
  return written(settings, consulSchema, redact) as object
}

function showCoordinator(redis: CoordinatorPlan, redact: Redact): object {
  const { user, password, sentinelUser, sentinelPassword, tls } = redis
  const settings = { url: urlOf(redis), user, password, sentinelUser, sentinelPassword, ...tls }
  return written(settings, null, redact) as object
}

function showEntry(entry: Entry, redact: Redact): object {
  const { pace, policy, tags } = entry
  const when =
    'every' in pace ? { every: pace.every } : { cron: pace.cron, timezone: pace.timezone ?? undefined }
  const settings = {
    ...when,
    jitter: pace.jitter,
    tags,
    confirm: policy.confirm,
    clear: policy.clear,
    confirmAfter: entry.confirmAfter,
    ...(entry.start !== null && { start: entry.start.map(redact) }),
    deadlines: entry.deadlines,
    scope: entry.scope,
    ...(entry.scope === 'cluster' ? { spread: entry.spread } : { role: entry.role ?? undefined }),
  }
  const { coolDown, ...resolve } = entry.resolve
  return {
    story: entry.kind,
    name: entry.name,
    ...(written(settings, entrySchema, redact) as object),
    resolve: { ...resolve, coolDown: writtenDuration(coolDown) },
    with: written(entry.options, entry.story.options, redact),
    steps: showSteps(entry, redact),
  }
}

function showSteps({ story, steps, policy }: Entry, redact: Redact): object {
  const names = new Set([...Object.keys(policy.steps), ...Object.keys(steps)])
  return Object.fromEntries(
    [...names].map((name) => {
      const limits = partOfStep(story.steps[name]?.limits, steps[name], redact)
      return [name, showStep(steps[name], limits, policy.steps[name])]
    }),
  )
}

function partOfStep(
  schema: Entry['story']['steps'][string]['limits'],
  plan: StepPlan | undefined,
  redact: Redact,
): object {
  const limits = written(plan?.limits, schema ?? null, redact)
  return typeof limits === 'object' && limits !== null ? limits : {}
}

function showStep(plan: StepPlan | undefined, limits: object, policy: StepPolicy | undefined): unknown {
  if (plan?.on === false) return 'off'
  const settings = { ...policy, ...limits }
  return Object.keys(settings).length === 0 ? 'on' : settings
}
