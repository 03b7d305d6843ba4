import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kept } from './cache.ts'
import { type KeptProgram, type ProgramSettings, startKeptProgram } from './kept-program.ts'
import { type ServerProcess, startServer } from './process.ts'
import { SEARCHED } from './programs.ts'
import { send } from './redis.ts'
import { makeTempDir } from './temp-dir.ts'

/** An application of Celery in a directory of its own, on whose broker workers, beats and senders of tasks start. */
export async function makeCeleryApp(options: CeleryOptions): Promise<CeleryApp> {
  const dir = await makeTempDir()
  const env = {
    PYTHONPATH: dir.path,
    PYTHONDONTWRITEBYTECODE: '1',
    HZ_BROKER: options.broker,
    HZ_SETTINGS: JSON.stringify(options.settings ?? {}),
    HZ_TASKS: (options.tasks ?? []).join(),
    HZ_WITHOUT: (options.without ?? []).join(),
  }
  await writeFile(join(dir.path, 'hzapp.py'), application)
  const python = options.hasRedbeat ? await redbeatPython() : await celeryPython()
  const start = (name: string, args: readonly string[], isReady: Start['isReady']) =>
    startCelery({ dir: dir.path, name, command: python, args, env, isReady })
  return {
    dir: dir.path,
    python,
    env,
    async worker(name, { pool = 'solo', concurrency = 1, queues = ['celery'] } = {}) {
      const hears = await hearing(options.broker)
      return start(
        `worker-${name}`,
        [
          ...['worker', '-n', name, '-l', 'INFO', '-P', pool, '-c', `${concurrency}`, '-Q', queues.join(',')],
          ...['--without-gossip', '--without-mingle'],
        ],
        // Where a Redis is the broker, it says so a moment before it hears what it is asked.
        async (log) => log.includes(' ready.') && (await hears()),
      )
    },
    beat: (name, args) =>
      start(`beat-${name}`, ['beat', '-l', 'DEBUG', '--pidfile=', ...args], (log) => log.includes('beat: ')),
    kept: (name, args, more = {}) =>
      startKeptProgram(name, {
        command: `${python} -m celery -A hzapp ${args.join(' ')}`,
        environment: env,
        more: { directory: dir.path, ...more },
      }),
    async run(code) {
      const program = `from hzapp import *\n${code}`
      const { stdout } = await promisify(execFile)(python, ['-c', program], {
        env: { ...env, PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', TZ: 'UTC' },
        timeout: 20_000,
      })
      return stdout
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

export interface CeleryOptions {
  /** `redis://` or `amqp://`. */
  readonly broker: string
  /** More settings of the application, such as `broker_transport_options`. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** More tasks, which do nothing, by name. */
  readonly tasks?: readonly string[]
  /** Modules that its Python shall not find. */
  readonly without?: readonly string[]
  /** With RedBeat, which comes from PyPI. */
  readonly hasRedbeat?: boolean
}

export interface CeleryApp extends AsyncDisposable {
  readonly dir: string
  readonly python: string
  readonly env: Readonly<Record<string, string>>
  /** Starts a worker of this full name (`w1@host`). */
  worker(name: string, options?: WorkerOptions): Promise<ServerProcess>
  beat(name: string, args: readonly string[]): Promise<ServerProcess>
  /** Starts a supervisord that keeps such a program; `more` stands in its section. */
  kept(name: string, args: readonly string[], more?: ProgramSettings['more']): Promise<KeptProgram>
  /** Runs Python with all that the application defines, and gives what it printed. */
  run(code: string): Promise<string>
}

export interface WorkerOptions {
  readonly pool?: 'solo' | 'prefork' | 'threads'
  readonly concurrency?: number
  readonly queues?: readonly string[]
}

/** The processes that a process has started, such as the pool of a worker. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children.split(' ').filter(Boolean).map(Number)
}

const application = `
import json, os, sys, time
sys.modules.update(dict.fromkeys(filter(None, os.environ['HZ_WITHOUT'].split(','))))
from celery import Celery
app = Celery('hzapp', broker=os.environ['HZ_BROKER'])
app.conf.update(broker_connection_timeout=2, worker_hijack_root_logger=False, timezone='UTC', task_ignore_result=True,
    task_acks_late=False, broker_connection_retry_on_startup=True)
app.conf.update(json.loads(os.environ['HZ_SETTINGS']))
@app.task(name='hzapp.add')
def add(x=1, y=1): return x + y
@app.task(name='hzapp.slow')
def slow(seconds): time.sleep(seconds)
def nothing(): pass
for name in filter(None, os.environ['HZ_TASKS'].split(',')): app.task(name=name)(nothing)
`

interface Start {
  readonly dir: string
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly isReady: (log: string) => boolean | Promise<boolean>
}

function startCelery({ dir, name, command, args, env, isReady }: Start): Promise<ServerProcess> {
  return startServer({
    name,
    command: 'env',
    args: [command, '-m', 'celery', '-A', 'hzapp', ...args],
    dir,
    env,
    ready: async () => isReady(await readFile(join(dir, `${name}.log`), 'utf8')),
  })
}

/** Whether one more worker hears questions to all than now. A RabbitMQ keeps them in the queue of each. */
async function hearing(broker: string): Promise<() => Promise<boolean>> {
  if (!broker.startsWith('redis:')) return async () => true
  const { port, password } = new URL(broker)
  const listeners = async () => {
    const list = await send({ port: Number(port) }, password, ['client', 'list', 'type', 'pubsub'])
    return String(list).split('\n').filter(Boolean).length
  }
  const before = await listeners()
  return async () => (await listeners()) > before
}

/** The Python of the installed celery: the first one in PATH may be another, without its libraries. */
async function celeryPython(): Promise<string> {
  for (const python of SEARCHED.map((dir) => join(dir, 'python3'))) {
    try {
      await promisify(execFile)(python, ['-c', 'import celery, redis'])
      return python
    } catch {
      // not there, or without them
    }
  }
  throw new Error('no python3 has celery and redis')
}

/** A Python that has RedBeat too: no Debian package brings it, nor a redis-py that it could follow sentinels with. */
export async function redbeatPython(): Promise<string> {
  const run = promisify(execFile)
  const base = await celeryPython()
  const dir = await kept('redbeat-2.4.2-redis-4.5.4', async (draft) => {
    await run(base, ['-m', 'venv', '--system-site-packages', draft])
    const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check']
    const wanted = ['celery-redbeat==2.4.2', 'redis==4.5.4']
    await run(join(draft, 'bin/python'), [...pip, ...wanted], { timeout: 120_000 })
  })
  return join(dir, 'bin/python')
}
