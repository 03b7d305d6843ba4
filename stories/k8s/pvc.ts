import { CannotTell, duration, milliseconds, type Problem, percent, say, tellSome, z } from 'healthz'
import { claimShape, storageClassShape } from './objects.ts'
import { eachKind, step } from './target.ts'
import { volumeUse } from './volume-use.ts'

/** Volumes are bound and have room. */
export const pvc = step({
  title: say`every volume claim is bound and has room`,
  limits: z.strictObject({
    pendingAfter: duration('15m'),
    warnUsedPct: z.number().default(85).describe('needs "prometheus"'),
    critUsedPct: z.number().default(95),
  }),
  confirm: 1,
  async check({ target, options, limits, signal, note, grade, problem, cannotTell }) {
    const unbound = async (): Promise<readonly Problem[]> => {
      const { items, at } = await target.list('/api/v1', 'persistentvolumeclaims', claimShape, signal)
      const pending = items.filter(
        ({ phase, createdAt }) =>
          phase === 'Pending' && createdAt !== null && at - createdAt >= limits.pendingAfter,
      )
      const waiting = pending.length === 0 ? new Set<string>() : await classesThatWait()
      return items.flatMap((claim): readonly Problem[] => {
        const { namespace, name, phase, createdAt, storageClass } = claim
        const key = `${namespace}/${name}`
        const evidence = { namespace, name, phase, storageClass }
        if (phase === 'Lost') {
          return [
            {
              key,
              severity: 'critical',
              summary: say`the volume claim ${key} has lost its volume`,
              advice: say`pods that use it cannot start: look for the volume that it was bound to (kubectl get pv), or restore it from a backup`,
              evidence,
            },
          ]
        }
        if (!pending.includes(claim) || waiting.has(storageClass)) return []
        return [
          {
            key,
            severity: 'warning',
            summary: say`the volume claim ${key} has waited for a volume for ${milliseconds(at - (createdAt ?? at))} (limit ${milliseconds(limits.pendingAfter)})`,
            advice: say`see whether its storage class is there and its provisioner runs: kubectl describe pvc ${name} -n ${namespace}`,
            evidence,
          },
        ]
      })
    }
    /** A claim of such a class waits for its first pod, as it should. */
    const classesThatWait = async () => {
      const where = { group: '/apis/storage.k8s.io/v1', resource: 'storageclasses', namespace: null }
      const { items } = await target.api.list(where, storageClassShape, signal)
      return new Set(items.filter(({ waitsForConsumer }) => waitsForConsumer).map(({ name }) => name))
    }
    const full = async (): Promise<readonly Problem[]> => {
      if (options.prometheus === undefined) return []
      const used = await volumeUse(options.prometheus, signal)
      const watched = used.filter(
        ({ namespace }) =>
          (options.namespaces?.includes(namespace) ?? true) && !options.ignore.includes(namespace),
      )
      if (watched.length === 0)
        throw new CannotTell(say`Prometheus knows no volumes: does it scrape the kubelets?`)
      note(say`${watched.length} volumes`)
      return watched.flatMap(({ namespace, claim, pct }): readonly Problem[] => {
        const key = `${namespace}/${claim} use`
        const severity = grade(pct, { warning: limits.warnUsedPct, critical: limits.critUsedPct }, key)
        if (severity === null) return []
        return [
          {
            key,
            severity,
            summary: say`the volume of ${`${namespace}/${claim}`} is ${percent(pct)} full (limit ${percent(limits.warnUsedPct)})`,
            advice: say`its pods stop when it is full: free space in it, or ask for more (resources.requests.storage of the claim, where its storage class allows)`,
            evidence: { namespace, claim, usedPct: Math.round(pct * 10) / 10 },
          },
        ]
      })
    }
    const { found, untold } = await eachKind([unbound, full])
    tellSome(found, problem)
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})
