import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bytes, type Cure, DidNotHelp, say } from 'healthz'
import type { Options } from './target.ts'

/** Frees space by a command that is configured for this mount; null where there is none. */
export function cleanupOf(mount: string, { cleanups, root }: Options): Cure | null {
  const cleanup = cleanups.find((configured) => configured.mount === mount)
  if (cleanup === undefined) return null
  const [program = '', ...parameters] = cleanup.command
  return {
    title: say`free space on ${mount}: ${cleanup.name}`,
    consent: 'ask',
    target: `disk ${mount}`,
    within: 300_000,
    async run({ signal }) {
      const before = await availableOn(join(root, mount))
      await run(program, parameters, signal)
      const after = await availableOn(join(root, mount))
      const freed = Math.max(0, after.available - before.available)
      if (freed >= after.size * leastShare) return
      throw new DidNotHelp(say`it freed only ${bytes(freed)}`)
    },
  }
}

/** Of the whole disk: less is not worth the name. */
const leastShare = 0.01

async function run(program: string, parameters: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await promisify(execFile)(program, parameters, { signal, cwd: '/' })
  } catch (error) {
    signal.throwIfAborted()
    const code = error instanceof Error && 'code' in error ? error.code : null
    throw new DidNotHelp(
      code === 'ENOENT'
        ? say`the command ${program} is not installed`
        : say`the command ${program} ended with ${String(code)}`,
    )
  }
}

async function availableOn(path: string): Promise<{ available: number; size: number }> {
  const { bsize, bavail, blocks } = await statfs(path)
  return { available: bsize * bavail, size: bsize * blocks }
}
