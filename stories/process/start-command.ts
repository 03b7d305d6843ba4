import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type Cure, DidNotHelp, say } from 'healthz'

/** Runs a configured start command, unless what it starts is there by now. */
export function startCommand(argv: readonly string[], isRunning: () => Promise<boolean>): Cure {
  return {
    title: say`run the configured start command, ${argv[0] ?? ''}`,
    consent: 'ask',
    settle: 2000,
    async run({ signal }) {
      if (await isRunning()) return
      await launch(argv, signal)
      for (let looks = 0; looks < 20; looks += 1) {
        await delay(500, undefined, { signal })
        if (await isRunning()) return
      }
      throw new DidNotHelp(say`the start command ran, but nothing was to be seen of the process within 10 s`)
    },
  }
}

/**
 * The shell only steps in between, so that the process is nobody's child: it outlives the watchman and leaves no
 * zombie. Its environment is a plain one, since the watchman's own may hold secrets.
 */
async function launch(argv: readonly string[], signal: AbortSignal): Promise<void> {
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

function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ']
  return Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}
