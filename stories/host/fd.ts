import { say, z } from 'healthz'
import { step } from './target.ts'

/** When the kernel's tables are full, nothing can be opened on the whole host. */
export const fd = step({
  title: say`the kernel has room for more open files and connections`,
  limits: z.strictObject({ warnPct: z.number().default(80), critPct: z.number().default(95) }),
  async check({ target, limits, grade, problem, cannotTell }) {
    const files = parseFileNr((await target.read('sys/fs/file-nr')) ?? '')
    if (files === null) return cannotTell(say`/proc/sys/fs/file-nr cannot be read`)
    const [connections, most] = await Promise.all(
      ['count', 'max'].map((name) => target.read(`sys/net/netfilter/nf_conntrack_${name}`)),
    )
    const levels = { warning: limits.warnPct, critical: limits.critPct }
    const filesGrade = grade((files.open / files.max) * 100, levels, 'files')
    if (filesGrade !== null) {
      problem({
        key: 'files',
        severity: filesGrade,
        summary: say`${files.open} of ${files.max} files are open on this host (limit ${limits.warnPct} %)`,
        advice: say`find who holds them: lsof | awk '{print $1}' | sort | uniq -c | sort -n | tail; or raise fs.file-max with sysctl`,
        evidence: { open: files.open, max: files.max },
      })
    }
    // Without a firewall that follows connections there is no such table.
    if (connections == null || most == null) return
    const [followed, max] = [Number(connections), Number(most)]
    const connectionsGrade = grade((followed / Math.max(1, max)) * 100, levels, 'connections')
    if (connectionsGrade === null) return
    problem({
      key: 'connections',
      severity: connectionsGrade,
      summary: say`the firewall follows ${followed} of ${max} connections (limit ${limits.warnPct} %)`,
      advice: say`when it is full, new connections are dropped: see who opens them (conntrack -L), or raise net.netfilter.nf_conntrack_max with sysctl`,
      evidence: { connections: followed, max },
    })
  },
})

export function parseFileNr(text: string): { open: number; max: number } | null {
  const [open, unused, max] = text.trim().split(/\s+/).map(Number)
  if (open === undefined || unused === undefined || max === undefined) return null
  return { open: open - unused, max }
}
