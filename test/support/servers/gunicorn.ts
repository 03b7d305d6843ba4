import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canConnect, onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'

/** Starts a gunicorn with one worker that answers `ok`, and `/slow` after a minute. */
export function startGunicorn({ timeout = 30 }: { readonly timeout?: number } = {}): Promise<Gunicorn> {
  return onFreePorts(1, async (port) => {
    await using stack = new AsyncDisposableStack()
    const dir = stack.use(await makeTempDir()).path
    const gunicorn = stack.use(
      await startServer({
        name: 'gunicorn',
        command: 'gunicorn',
        args: await gunicornArguments(dir, port, timeout),
        dir,
        ready: async () => (await canConnect(port)) && (await fetch(`http://127.0.0.1:${port}/`)).ok,
      }),
    )
    const owned = stack.move()
    return {
      ...gunicorn,
      port,
      url: `http://127.0.0.1:${port}/`,
      workers: () => childrenOf(gunicorn.pid()),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    }
  })
}

export interface Gunicorn extends ServerProcess {
  readonly port: number
  readonly url: string
  /** The process ids of its workers; its own is that of the master. */
  workers(): Promise<readonly number[]>
}

/** Writes the application into the directory, and gives what to start gunicorn with. */
export async function gunicornArguments(dir: string, port: number, timeout: number): Promise<string[]> {
  await writeFile(join(dir, 'wsgi.py'), application)
  const more = ['--workers', '1', '--timeout', String(timeout), '--graceful-timeout', '1']
  return ['--chdir', dir, '--bind', `127.0.0.1:${port}`, '--worker-tmp-dir', '/dev/shm', ...more, 'wsgi:app']
}

const application = `
import time

def app(environ, start_response):
    if environ['PATH_INFO'] == '/slow':
        time.sleep(60)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'ok']
`

async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')))
  return pids.flatMap((pid, index) => {
    const stat = stats[index] ?? ''
    const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    return ppid === parent ? [Number(pid)] : []
  })
}
