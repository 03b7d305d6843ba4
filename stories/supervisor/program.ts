import { say, type Text, type XmlRpcValue, z } from 'healthz'

/** A program as supervisord sees it. Times are seconds since 1970 on supervisord's clock; 0 means never. */
export interface Program {
  /** As supervisorctl names it: `name`, or `group:name` where the two differ. */
  readonly name: string
  readonly group: string
  readonly state: number
  readonly start: number
  readonly stop: number
  readonly now: number
  /** Why the last start or run failed, in supervisord's words; empty where it did not fail. */
  readonly fault: string
  /** The last exit code, -1 after a signal. It is 0, not the real one, in every state but EXITED and STOPPED. */
  readonly exitCode: number
  /** 0 where it does not run. */
  readonly pid: number
}

/** What a program's section says, as far as it matters here. Its command is left out: it may hold passwords. */
export interface ProgramSettings {
  readonly name: string
  readonly group: string
  /** False where the section was read again but never made effective. */
  readonly isInUse: boolean
  /** Seconds it must run to count as started. */
  readonly startSeconds: number
  /** Seconds after which a stop turns into a kill. */
  readonly stopSeconds: number
}

/** The codes that supervisord gives its states. */
export const states = {
  stopped: 0,
  starting: 10,
  running: 20,
  backoff: 30,
  stopping: 40,
  exited: 100,
  fatal: 200,
  unknown: 1000,
} as const

const programShape = z.looseObject({
  name: z.string(),
  group: z.string(),
  state: z.number(),
  start: z.number(),
  stop: z.number(),
  now: z.number(),
  spawnerr: z.string(),
  exitstatus: z.number(),
  pid: z.number(),
})

export function parsePrograms(answer: XmlRpcValue): readonly Program[] {
  return z
    .array(programShape)
    .parse(answer)
    .map(({ group, state, start, stop, now, pid, ...raw }) => ({
      name: nameOf(group, raw.name),
      group,
      state,
      start,
      stop,
      now,
      fault: raw.spawnerr,
      exitCode: raw.exitstatus,
      pid,
    }))
}

const settingsShape = z.looseObject({
  name: z.string(),
  group: z.string(),
  inuse: z.boolean(),
  startsecs: z.number().default(1),
  stopwaitsecs: z.number().default(10),
})

export function parseSettings(answer: XmlRpcValue): ReadonlyMap<string, ProgramSettings> {
  const settings = z.array(settingsShape).parse(answer)
  return new Map(
    settings.map(({ group, inuse, startsecs, stopwaitsecs, ...raw }) => {
      const name = nameOf(group, raw.name)
      return [name, { name, group, isInUse: inuse, startSeconds: startsecs, stopSeconds: stopwaitsecs }]
    }),
  )
}

/** Whether a list of `name`, `group:name` and `group:*` names this program. */
export function isListed(list: readonly string[], { name, group }: Pick<Program, 'name' | 'group'>): boolean {
  return list.some((item) => item === `${group}:*` || standardName(item) === name)
}

/** `web:web` is `web`. */
export function standardName(name: string): string {
  const [group = '', program = ''] = name.split(':')
  return name.includes(':') ? nameOf(group, program) : name
}

const nameOf = (group: string, name: string) => (group === name ? name : `${group}:${name}`)

/** Whether its last run ended with an exit code that its section does not allow. */
export function hasFailed({ fault }: Program): boolean {
  return fault !== ''
}

/** Whether trying again is of no use until a person has mended its section or its files. */
export function isHopeless({ fault }: Program): boolean {
  return hopeless.test(fault)
}

const hopeless = /can't find command|not executable|no permission to run|bad command|is a directory/i

/** Why it does not run: "it ends right after each start". */
export function whyDown({ state, fault, exitCode }: Program): Text {
  if (/can't find command/.test(fault)) return say`its command does not exist`
  if (hopeless.test(fault)) return say`its command cannot be run`
  if (state !== states.exited) return isQuick(fault) ? say`it ends right after each start` : fault
  const code = /^Bad exit code (-?\d+)/.exec(fault)?.[1] ?? String(exitCode)
  return code === '-1' ? say`it was killed by a signal` : say`it ended with exit code ${code}`
}

/** While it starts once more, supervisord has forgotten why it failed before. */
const isQuick = (fault: string) => fault === '' || fault.startsWith('Exited too quickly')
