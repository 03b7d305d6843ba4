import {
  CannotTell,
  needProc,
  type ProcessStat,
  readProcess,
  say,
  shareInFlight,
  stepOf,
  type Text,
  z,
} from 'healthz'
import { listeningInodes, ownersOf } from './listeners.ts'
import { findMatches } from './match.ts'
import { readPidfile } from './read-pidfile.ts'
import { type Systemd, systemd } from './systemd.ts'

export const options = z
  .strictObject({
    pattern: z
      .string()
      .min(1)
      .refine(isRegExp, { error: 'not a regular expression' })
      .optional()
      .describe('A regular expression on the command line, its arguments joined by spaces'),
    user: z
      .string()
      .min(1)
      .optional()
      .describe('only processes of this user, by name or number; it narrows pattern'),
    pidfile: z.string().startsWith('/', { error: 'not an absolute path' }).optional(),
    /** A systemd unit. */
    unit: z
      .string()
      .regex(/^\w[\w@.:\\-]*$/, { error: 'not the name of a unit' })
      .optional(),
    port: z.int().min(1).max(65_535).optional().describe('A TCP port that the process listens on'),
    start: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        'the command that starts what pattern looks for, with its arguments. It must be safe to run twice',
      ),
  })
  .refine(
    ({ pattern, user, start }) => pattern !== undefined || (user === undefined && start === undefined),
    {
      error: '"user" and "start" need a "pattern"',
    },
  )

export type Options = z.output<typeof options>

/** The processes that an entry is about. */
export interface Watched {
  /**
   * Those that are there now, zombies left out; asked once for the steps that ask together.
   * @throws CannotTell where this user may not know
   */
  find(signal: AbortSignal): Promise<readonly ProcessStat[]>
  /** The same for the steps that look closer: none where `find` cannot tell, which one step says for all. */
  seen(signal: AbortSignal): Promise<readonly ProcessStat[]>
  readonly systemd: Systemd
}

export const step = stepOf<Watched, Options>()

/** @throws CannotTell where there is no `/proc` */
export function watch(options: Options): Watched {
  needProc()
  const shared = shareInFlight((signal: AbortSignal) => find(options, signal))
  return { find: shared, seen: (signal) => shared(signal).catch(nothing), systemd }
}

/** Without options it is about the watchman's own process. */
export function isSelf({ pattern, pidfile, unit, port }: Options): boolean {
  return pattern === undefined && pidfile === undefined && unit === undefined && port === undefined
}

/** "nginx (process 812)". */
export function named({ pid, comm }: ProcessStat): Text {
  return pid === process.pid
    ? say`the watchman itself (process ${String(pid)})`
    : say`${comm} (process ${String(pid)})`
}

function nothing(error: unknown): readonly ProcessStat[] {
  if (error instanceof CannotTell) return []
  throw error
}

/** The first of pattern, pidfile, unit and port that is configured says who is meant. */
async function find(options: Options, signal: AbortSignal): Promise<readonly ProcessStat[]> {
  const { pattern, user, pidfile, unit, port } = options
  if (pattern !== undefined) return findMatches(pattern, user)
  if (pidfile !== undefined) return alive((await readPidfile(pidfile))?.pid ?? null)
  if (unit !== undefined) return alive((await systemd.show(unit, signal)).mainPid)
  if (port !== undefined) return (await ownersOf(await listeningInodes(port))).owners
  return alive(process.pid)
}

function alive(pid: number | null): readonly ProcessStat[] {
  const found = pid === null || pid === 0 ? null : readProcess(pid)
  return found === null || found.state === 'Z' ? [] : [found]
}

function isRegExp(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    // Said by the schema, which knows where it stands in the configuration.
    return false
  }
}
