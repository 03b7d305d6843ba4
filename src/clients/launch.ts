import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DidNotHelp } from '../core/story.ts'
import { say } from '../core/text.ts'

/**
 * Starts a program that goes on by itself. The shell only steps in between, so that the process is nobody's child: it outlives the watchman and leaves no
 * zombie. Its environment is a plain one, since the watchman's own may hold secrets.
 * @throws DidNotHelp where there is no such command.
 */
export async function launch(argv: readonly string[], signal: AbortSignal): Promise<void> {
  const script = 'command -v "$1" >/dev/null || exit 127; "$@" </dev/null >/dev/null 2>&1 &'
  const shell = spawn('/bin/sh', ['-c', script, 'sh', ...argv], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: plainEnvironment(),
  })
  const [code] = await once(shell, 'exit', { signal })
  if (code !== 0) throw new DidNotHelp(say`the start command ${argv[0] ?? ''} was not found`)
}

/** The few variables that a program which is started needs, and no others. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ']
  return Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}
