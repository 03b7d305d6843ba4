import { setTimeout as delay } from 'node:timers/promises'
import { type Cure, DidNotHelp, say } from 'healthz'
import { type Container, whyDown } from './container.ts'
import type { Engine } from './target.ts'

/** Starts a container and watches it until it has run for a while: the engine's own "started" is too early. */
export function startCure(engine: Engine, before: Container, consent: Cure['consent']): Cure {
  const { name } = before
  return {
    title: say`start the container ${name}`,
    consent,
    target: `${engine.api.address} ${name}`,
    within: steady + 60_000,
    async run({ signal }) {
      const now = await again(engine, before, signal)
      if (now.status === 'running') return
      if (now.status !== before.status || now.finishedAt !== before.finishedAt)
        throw new DidNotHelp(say`somebody has touched ${name} in the meantime, so it was left alone`)
      await act(engine, 'start', before, signal)
      const started = await again(engine, before, signal)
      for (let waited = 0; ; waited += 1000) {
        const after = await again(engine, before, signal)
        if (after.status !== 'running' || after.startedAt !== started.startedAt)
          throw new DidNotHelp(say`it did not stay up after the start: ${whyDown(after)}`)
        if (waited >= steady) return
        await delay(1000, undefined, { signal })
      }
    },
  }
}

/** Restarts a container whose health check fails, and waits for what the check says then. */
export function restartCure(engine: Engine, before: Container): Cure {
  const { name } = before
  return {
    title: say`restart the container ${name}`,
    consent: 'ask',
    target: `${engine.api.address} ${name}`,
    within: 180_000,
    async run({ signal }) {
      const now = await again(engine, before, signal)
      if (now.status !== 'running' || now.startedAt !== before.startedAt)
        throw new DidNotHelp(say`somebody has touched ${name} in the meantime, so it was left alone`)
      await act(engine, 'restart', before, signal)
      for (;;) {
        const after = await again(engine, before, signal)
        if (after.status !== 'running')
          throw new DidNotHelp(say`it did not stay up after the start: ${whyDown(after)}`)
        if (after.health?.status === 'unhealthy')
          throw new DidNotHelp(say`its health check fails after the restart as well`)
        if (after.health?.status !== 'starting') return
        await delay(1000, undefined, { signal })
      }
    },
  }
}

/** Milliseconds that it must stay up. */
const steady = 10_000

async function again(engine: Engine, { id, name }: Container, signal: AbortSignal): Promise<Container> {
  const now = await engine.container(id, signal)
  if (now === null) throw new DidNotHelp(say`there is no container ${name} any more`)
  return now
}

async function act(
  { api }: Engine,
  verb: 'start' | 'restart',
  { id, name }: Container,
  signal: AbortSignal,
): Promise<void> {
  const status = await api.post(`/containers/${encodeURIComponent(id)}/${verb}`, signal)
  if (status === 204 || status === 304) return
  if (status === 401 || status === 403) {
    throw new DidNotHelp(
      say`${api.address} does not let the watchman do it; allow POST /containers/${name}/${verb} in the settings of the proxy`,
    )
  }
  throw new DidNotHelp(say`the engine refused it with HTTP status ${String(status)}: see in its log why`)
}
