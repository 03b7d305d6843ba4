import { CannotTell, isNamed, type StepContext, say, type Text, z } from 'healthz'
import { type Management, NotPermitted } from './management.ts'
import type { Options } from './options.ts'

/** A queue. What the broker does not say, such as right after its start, is null. */
export interface Queue {
  readonly vhost: string
  readonly name: string
  /** `name`, or `vhost/name` outside of the virtual host `/`. */
  readonly id: string
  /** How people are told of it. */
  readonly title: Text
  readonly type: string
  readonly messages: number | null
  readonly unacknowledged: number | null
  readonly consumers: number | null
  /** How fast the number of messages changes, a second. */
  readonly growth: number | null
  /** How many messages were acknowledged since the broker counts. */
  readonly acks: number | null
  /** How many messages leave it by a consumer, a second. */
  readonly drain: number | null
  /** Since when nothing at all has happened to it, in milliseconds; null too where it is busy. */
  readonly idleSince: number | null
  /** The nodes that should hold it, and those of them that do; empty unless it is replicated. */
  readonly members: readonly string[]
  readonly online: readonly string[]
}

export interface QueueList {
  /** Without those that are exclusive to a connection, and those that the options ignore. */
  readonly queues: readonly Queue[]
  /** Virtual hosts with queues that the user may not see. */
  readonly hidden: readonly string[]
}

/** @throws CannotTell */
export async function readQueues(
  api: Management,
  { vhosts, ignore }: Options,
  signal: AbortSignal,
): Promise<QueueList> {
  const { rows, hidden } =
    vhosts === undefined ? await readAll(api, signal) : await readVhosts(api, vhosts, signal)
  const queues = rows.filter((raw) => raw.exclusive !== true).map(asQueue)
  return { queues: queues.filter((queue) => !isOneOf(queue, ignore)), hidden }
}

/** One queue, asked anew of the management API alone; null where it is gone. @throws CannotTell */
export async function readQueue(
  api: Management,
  { vhost, name }: Pick<Queue, 'vhost' | 'name'>,
  signal: AbortSignal,
): Promise<Queue | null> {
  const raw = await api.find(`${pathOf({ vhost, name })}?columns=${columns}`, row, signal)
  return raw && asQueue(raw)
}

export function pathOf({ vhost, name }: Pick<Queue, 'vhost' | 'name'>): string {
  return `/api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`
}

/** Whether one of the patterns, in which `*` stands for anything, is the queue's name or `vhost/name`. */
export function isOneOf({ vhost, name }: Queue, patterns: readonly string[]): boolean {
  return isNamed(name, patterns) || isNamed(`${vhost}/${name}`, patterns)
}

/** Whether messages lie in it and nobody takes them, not even without subscribing. */
export function isOrphan({ consumers, messages, drain }: Queue): boolean {
  return consumers === 0 && (messages ?? 0) > 0 && (drain ?? 0) === 0
}

/** Ends a step as unknown when there are queues that the user may not see: all said about the others stands. */
export function admitHidden(
  { hidden }: QueueList,
  { user }: Management,
  cannotTell: StepContext['cannotTell'],
): void {
  const [vhost] = hidden
  if (vhost === undefined) return
  cannotTell(
    say`the user ${user} sees no queues of ${[...hidden]}; run: rabbitmqctl set_permissions -p ${vhost} ${user} '^$' '^$' '^$'`,
  )
}

async function readVhosts(api: Management, vhosts: readonly string[], signal: AbortSignal) {
  const lists = await Promise.all(vhosts.map((vhost) => readVhost(api, vhost, signal)))
  return {
    rows: lists.flatMap((rows) => rows ?? []),
    hidden: vhosts.filter((_, index) => lists[index] === null),
  }
}

/** Null where the user has no permission on it. */
async function readVhost(api: Management, vhost: string, signal: AbortSignal) {
  const path = `/api/queues/${encodeURIComponent(vhost)}?columns=${columns}`
  try {
    const rows = await api.find(path, z.array(row), signal)
    if (rows === null) throw new CannotTell(say`there is no virtual host ${vhost}`)
    return rows
  } catch (error) {
    if (error instanceof NotPermitted) return null
    throw error
  }
}

/** RabbitMQ leaves out silently what the user has no permission on: only the number of all queues betrays it. */
async function readAll(api: Management, signal: AbortSignal) {
  const [rows, overview] = await Promise.all([
    api.get(`/api/queues?columns=${columns}`, z.array(row), signal),
    api.get('/api/overview?columns=object_totals.queues', overviewShape, signal),
  ])
  const total = overview.object_totals?.queues ?? 0
  return { rows, hidden: total > rows.length ? await findHidden(api, rows, signal) : [] }
}

const overviewShape = z.looseObject({
  object_totals: z.looseObject({ queues: z.number().optional() }).optional(),
})

/** So many virtual hosts are tried at most. */
const mostTried = 50

async function findHidden(api: Management, rows: readonly Row[], signal: AbortSignal) {
  const seen = new Set(rows.map(({ vhost }) => vhost))
  const all = await api.get('/api/vhosts?columns=name', z.array(z.looseObject({ name: z.string() })), signal)
  const unseen = all.map(({ name }) => name).filter((name) => !seen.has(name))
  return (await readVhosts(api, unseen.slice(0, mostTried), signal)).hidden
}

function asQueue(raw: Row): Queue {
  const { vhost, name, type = 'classic', messages = null, consumers = null } = raw
  // An empty list stands where none of the fields asked for is known yet.
  const stats = Array.isArray(raw.message_stats) ? {} : raw.message_stats
  return {
    vhost,
    name,
    id: vhost === '/' ? name : `${vhost}/${name}`,
    title: vhost === '/' ? name : say`${name} in the vhost ${vhost}`,
    type,
    messages,
    unacknowledged: raw.messages_unacknowledged ?? null,
    consumers,
    growth: raw.messages_details?.rate ?? null,
    acks: stats === undefined ? null : (stats.ack ?? 0),
    drain: drainOf(stats),
    idleSince: raw.idle_since ? momentOf(raw.idle_since) : null,
    members: raw.members ?? [],
    online: onlineOf(raw),
  }
}

/** A member whose node is gone is not online, and neither is one that its leader does not see. */
function onlineOf({ online, online_too: other }: Row): readonly string[] {
  return (online ?? []).filter((member) => other?.includes(member) ?? true)
}

/** Those that take without acknowledging count too. */
function drainOf(stats: Stats | undefined): number | null {
  if (stats === undefined) return null
  const rates = [stats.ack_details, stats.deliver_no_ack_details, stats.get_no_ack_details].flatMap(
    (details) => details?.rate ?? [],
  )
  if (rates.length === 0) return stats.ack === undefined ? 0 : null
  return rates.reduce((sum, rate) => sum + rate, 0)
}

/** Old versions write `2026-11-20 12:00:00`, in UTC as well. */
function momentOf(text: string): number | null {
  const at = Date.parse(text.includes('T') ? text : `${text.replace(' ', 'T')}Z`)
  return Number.isNaN(at) ? null : at
}

const rate = z.looseObject({ rate: z.number().optional() }).optional()

const statsShape = z.looseObject({
  publish: z.number().optional(),
  ack: z.number().optional(),
  ack_details: rate,
  deliver_no_ack_details: rate,
  get_no_ack_details: rate,
})

type Stats = z.output<typeof statsShape>

const row = z.looseObject({
  name: z.string(),
  vhost: z.string(),
  type: z.string().optional(),
  exclusive: z.boolean().nullish(),
  messages: z.number().nullish(),
  messages_unacknowledged: z.number().nullish(),
  consumers: z.number().nullish(),
  messages_details: rate,
  message_stats: z.union([z.array(z.unknown()), statsShape]).optional(),
  idle_since: z.string().nullish(),
  members: z.array(z.string()).nullish(),
  online: z.array(z.string()).nullish(),
  online_too: z.array(z.string()).nullish(),
})

type Row = z.output<typeof row>

const columns = [
  ...['name', 'vhost', 'type', 'exclusive', 'messages', 'messages_unacknowledged', 'consumers', 'idle_since'],
  ...[
    'messages_details.rate',
    'message_stats.publish',
    'message_stats.ack',
    'message_stats.ack_details.rate',
  ],
  ...['message_stats.deliver_no_ack_details.rate', 'message_stats.get_no_ack_details.rate'],
  ...['members', 'online'],
].join()
