import { z } from 'zod'
import {
  type ClusterRecords,
  coordinatorFaults,
  type Member,
  type MemberInfo,
  type Vitals,
} from '../../core/cluster.ts'
import type { Reply } from '../protocol.ts'

/** Reads what a script of the coordinator returned. */
export function readReply(raw: unknown): Reply {
  const reply = replySchema.parse(raw)
  switch (reply[0]) {
    case 'done':
      return { type: 'done' }
    case 'refused':
      return { type: 'refused', why: reply[1], wait: reply[2] }
    case 'claimed':
      return {
        type: 'claimed',
        granted: pairs(reply[1]).map(([seat, epoch]) => ({ seat, epoch: Number(epoch) })),
        refused: pairs(reply[2]).map(([seat, holder]) => ({ seat, holder })),
        quarantine: reply[3],
      }
    case 'joined':
    case 'ticked': {
      const [type, generation, server, session, clock, epoch, quarantine, version, ringVersion, wall] = reply
      const [key, name, since] = reply[10]
      const leader = key === '' ? null : { key, name, epoch: since }
      const members = reply[11] && membersOf(reply[11])
      return {
        ...{ type, generation, server, session, clock, epoch, quarantine, version, ringVersion, wall },
        ...{ leader, members },
      }
    }
  }
}

/** Reads what the records script returned; null where there are no data. */
export function readRecordsReply(raw: unknown): ClusterRecords {
  if (raw === null) return noRecords
  const [, clock, lease, quarantine, mem, nfo, own, vit, lost, chg, iso] = recordsSchema.parse(raw)
  const deadlines = new Map(pairs(mem).map(([key, deadline]) => [key, Number(deadline)]))
  const vitals = new Map(pairs(vit))
  const sessions = new Map<string, string>()
  const members = pairs(nfo).map(([key, value]) => {
    const [, session = '', state = '', info = ''] = /^(\d+)\|(\w+)\|\d+\|(.*)$/s.exec(value) ?? []
    const deadline = deadlines.get(key) ?? 0
    if (deadline > clock) sessions.set(key, session)
    return {
      ...memberOf(key, state, info),
      beatAge: clock - (deadline - lease),
      vitals: vitalsOf(vitals.get(key)),
    }
  })
  const names = new Map(members.map(({ key, name }) => [key, name]))
  const spells = pairs(own).flatMap(([seat, value]) => {
    const [, key = '', session, epoch] = /^(.*)\|(\d+)\|(\d+)$/s.exec(value) ?? []
    const name = session !== undefined && sessions.get(key) === session ? names.get(key) : undefined
    return name === undefined ? [] : [{ seat, name, epoch: Number(epoch) }]
  })
  const leading = spells.find(({ seat }) => seat === 'leader')
  return {
    members: members.sort(byKey),
    leader: leading ? { name: leading.name, epoch: leading.epoch } : null,
    lost: pairs(lost).map(([name, value]) => {
      const [at, host] = cut(value)
      return { name, at: Number(at), host }
    }),
    owners: Object.fromEntries(spells.map(({ seat, name }) => [seat, name])),
    changes: chg.map((value) => {
      const [at, granted] = cut(value)
      const [epoch, name] = cut(granted)
      return { at: Number(at), name, epoch: Number(epoch) }
    }),
    isolated: pairs(iso).map(([name, value]) => {
      const [at, fault] = cut(value)
      return { name, at: Number(at), fault: faultSchema.parse(fault) }
    }),
    quarantine,
  }
}

function membersOf(flat: readonly string[]): readonly Member[] {
  const members: Member[] = []
  for (let i = 0; i + 2 < flat.length; i += 3) {
    members.push(memberOf(flat[i] ?? '', flat[i + 1] ?? '', flat[i + 2] ?? ''))
  }
  return members.sort(byKey)
}

/** A key is `name@incarnation`. */
function memberOf(key: string, state: string, info: string): Member {
  const said = infoSchema.parse(parseJson(info))
  const name = said.name ?? key.replace(/@[^@]*$/, '')
  return { ...said, name, key, state: stateSchema.parse(state) }
}

function vitalsOf(json: string | undefined): Vitals | null {
  return vitalsSchema.safeParse(parseJson(json ?? '')).data ?? null
}

/** {} for what is no JSON: what one member wrote must not keep the others from their work. */
function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return {}
  }
}

function pairs(flat: readonly string[]): (readonly [string, string])[] {
  return flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1] ?? ''] as const] : []))
}

/** What stands before the first `|`, and what behind it. */
function cut(value: string): readonly [string, string] {
  const at = value.indexOf('|')
  return [value.slice(0, at), value.slice(at + 1)]
}

/** The same order on every node. */
function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1
}

const noRecords: ClusterRecords = {
  members: [],
  leader: null,
  lost: [],
  owners: {},
  changes: [],
  isolated: [],
  quarantine: 0,
}

const number = z.string().transform(Number)
const strings = z.array(z.string())
const stateSchema = z.enum(['joining', 'active', 'leaving'])

/** Generation, server, session, clock, epoch, quarantine, version, version of the ring, wall; leader; members. */
const beatSchema = [
  z.string(),
  z.string(),
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  z.tuple([z.string(), z.string(), number]),
  strings.nullable(),
] as const

const replySchema = z.union([
  z.tuple([z.literal('done')]),
  z.tuple([
    z.literal('refused'),
    z.enum(['generation', 'session', 'duplicate', 'quarantine', 'inactive']),
    number,
  ]),
  z.tuple([z.literal('claimed'), strings, strings, number]),
  z.tuple([z.literal('joined'), ...beatSchema]),
  z.tuple([z.literal('ticked'), ...beatSchema]),
])

/** Wall, clock, lease, quarantine; mem, nfo, own, vit, lost, chg, iso. */
const recordsSchema = z.tuple([
  number,
  number,
  number,
  number,
  strings,
  strings,
  strings,
  strings,
  strings,
  strings,
  strings,
])

// A member of another version may say less of itself, or say it differently.
const infoSchema: z.ZodType<Omit<MemberInfo, 'name'> & { name: string | null }> = z.object({
  name: z.string().nullable().catch(null),
  address: z.string().nullable().catch(null),
  roles: strings.catch([]),
  version: z.string().catch(''),
  config: z.string().catch(''),
  host: z.string().catch(''),
  pid: z.number().catch(0),
})

const vitalsSchema: z.ZodType<Vitals> = z.object({
  at: z.number(),
  clockOffset: z.number(),
  roundTrip: z.number(),
  interval: z.number(),
  loopLag: z.number(),
  uptime: z.number(),
  rounds: z.number(),
  overruns: z.number(),
})

const faultSchema = z.enum(coordinatorFaults).catch('other')
