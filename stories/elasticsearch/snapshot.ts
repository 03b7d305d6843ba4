import { CannotTell, duration, milliseconds, type Problem, say, z } from 'healthz'
import { hourly } from './hourly.ts'
import { type Backup, readPolicy, readRepository } from './snapshots-read.ts'
import { step } from './target.ts'

/** There is a snapshot to go back to. */
export const snapshot = step({
  title: say`the newest snapshot is not old`,
  on: ({ repositories, policies }) => repositories.length + policies.length > 0,
  confirm: 1,
  limits: z.strictObject({ maxAge: duration('48h') }),
  async check(context) {
    const { target, options, limits, signal, now, note, problem } = context
    const isOld = ({ isThere, succeededAt }: Backup) =>
      !isThere || succeededAt === null || now() - succeededAt > limits.maxAge
    const backups = await hourly(
      context,
      () =>
        Promise.all([
          ...options.repositories.map((name) => readRepository(target, name, signal)),
          ...options.policies.map((name) => readPolicy(target, name, signal)),
        ]),
      (found) => found.length > 0 && !found.some(isOld),
    )
    for (const backup of backups) {
      const { kind, name, succeededAt } = backup
      if (succeededAt !== null) note(say`${name}: ${milliseconds(now() - succeededAt)} ago`)
      if (isOld(backup)) problem(faultOf(backup, kind, now(), limits.maxAge))
    }
    if (backups.length === 0) throw new CannotTell(say`no repository and no policy is named`)
  },
})

function faultOf(
  { name, isThere, succeededAt, hasFailed }: Backup,
  kind: Backup['kind'],
  at: number,
  most: number,
): Problem {
  const title = kind === 'repository' ? say`the repository ${name}` : say`the snapshot policy ${name}`
  const base = {
    key: `${kind} ${name}`,
    severity: 'warning' as const,
    advice: hasFailed
      ? say`the last attempt failed: see in the log of the master why; the repository may not be reachable from every node`
      : say`see whether whatever makes the snapshots runs; POST /_snapshot/REPOSITORY/_verify tells whether every node reaches the repository`,
    evidence: { kind, name, succeededAt, hasFailed },
  }
  if (!isThere) return { ...base, summary: say`${title} is not there` }
  if (succeededAt === null && hasFailed)
    return { ...base, summary: say`the latest snapshot of ${title} failed` }
  if (succeededAt === null) return { ...base, summary: say`${title} holds no snapshot that succeeded` }
  return {
    ...base,
    summary: say`the last snapshot of ${title} that succeeded is ${milliseconds(at - succeededAt)} old (limit ${milliseconds(most)})`,
  }
}
