import { type LogLine, makePlace, type Program } from '../program.ts'
import { startTcpFaultProxy, type TcpFaultProxy } from '../servers/tcp-fault-proxy.ts'
import { until } from '../servers/until.ts'
import type { Life, Pause } from './history.ts'

/** One node of a cluster: a real daemon, started again as often as the test wants. */
export interface FaultNode extends AsyncDisposable {
  readonly name: string
  /** Between it and Redis; null: there is none, as behind sentinels. */
  readonly proxy: TcpFaultProxy | null
  isAlive(): boolean
  isPaused(): boolean
  /** Starts it and waits until it says so. */
  start(): Promise<void>
  kill(): Promise<void>
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>
  pause(): void
  /** Gives the wall time just before. */
  resume(): number
  /** What its present process, or the last one, has logged. */
  log(): readonly LogLine[]
  /** What it takes itself for, as in `ClusterView`. */
  mode(): string
  lives(): readonly Life[]
}

interface Living {
  readonly program: Program
  readonly from: number
  to: number | null
  end: 'killed' | 'asked' | null
  readonly pauses: { from: number; to: number | null }[]
  readonly tail: () => readonly LogLine[]
}

/** `config`: the text of its configuration, given the URL of its way to Redis. */
export async function makeNode(
  name: string,
  { redisPort, config }: { redisPort: number | null; config: (proxyPort: number) => string },
): Promise<FaultNode> {
  await using stack = new AsyncDisposableStack()
  const proxy = redisPort === null ? null : stack.use(await startTcpFaultProxy(redisPort))
  const place = stack.use(await makePlace({ 'healthz.yaml': config(proxy?.port ?? 0) }))
  const lives: Living[] = []
  const owned = stack.move()
  const now = () => lives.at(-1)
  const isAlive = () => {
    const life = now()
    if (life !== undefined && life.to === null && life.program.hasEnded()) life.to = Date.now()
    return life !== undefined && life.to === null
  }
  /** What cannot join for now ends, and is started again, as by a supervisor. */
  async function tryToStart(): Promise<boolean> {
    const program = place.start('-d')
    const tail = tailOf(program)
    lives.push({ program, from: Date.now(), to: null, end: null, pauses: [], tail })
    await until(`${name} says so`, () => !isAlive() || tail().some(({ msg }) => msg === 'started'), {
      deadline: 20_000,
    })
    return isAlive()
  }

  return {
    name,
    proxy,
    isAlive,
    isPaused: () => isAlive() && now()?.pauses.at(-1)?.to === null,
    async start() {
      await until(`${name} starts`, tryToStart, { deadline: 40_000, every: 500 })
    },
    async kill() {
      const life = now()
      if (life === undefined || !isAlive()) return
      life.end = 'killed'
      life.to = Date.now()
      const paused = life.pauses.at(-1)
      if (paused?.to === null) life.to = paused.to = paused.from
      life.program.signal('SIGKILL')
      await life.program.ended()
    },
    async stop() {
      const life = now()
      if (life === undefined || !isAlive()) return
      life.end = 'asked'
      life.program.signal('SIGTERM')
      await life.program.ended()
      life.to ??= Date.now()
    },
    pause() {
      now()?.pauses.push({ from: Date.now(), to: null })
      now()?.program.signal('SIGSTOP')
    },
    resume() {
      const at = Date.now()
      const paused = now()?.pauses.at(-1)
      if (paused?.to === null) paused.to = at
      now()?.program.signal('SIGCONT')
      return at
    },
    log: () => now()?.tail() ?? [],
    mode: () =>
      String(
        now()
          ?.tail()
          .findLast(({ msg }) => msg === 'cluster')?.['mode'] ?? 'starting',
      ),
    lives: () =>
      lives.map(
        ({ program, from, to, end, pauses, tail }): Life => ({
          ...{ node: name, pid: program.pid, from, to, end, log: tail() },
          pauses: pauses.map((one): Pause => ({ ...one })),
          noise: `${program.stderr()}${program.stdout().replace(/^\{"level".*$\n?/gm, '')}`,
        }),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The lines of its log so far; each is read once. */
function tailOf(program: Program): () => readonly LogLine[] {
  const lines: LogLine[] = []
  let read = 0
  return () => {
    const text = program.stdout()
    const end = text.lastIndexOf('\n') + 1
    if (end === read) return lines
    const fresh = text.slice(read, end).split('\n')
    read = end
    for (const line of fresh) if (line.startsWith('{"level"')) lines.push(JSON.parse(line))
    return lines
  }
}
