import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { say } from 'healthz'
import { isDisk, parseFstab, withoutDoubles } from './mounts.ts'
import { step } from './target.ts'

/** The mounts that were seen writable. */
type Writable = readonly string[]

/** The kernel makes a disk read-only when it meets an error on it. */
export const fsReadonly = step({
  title: say`no disk has become read-only`,
  confirm: 1,
  async check({ target, options, recall, remember, problem }) {
    const mounts = withoutDoubles(
      (await target.mounts()).filter((mount) => isDisk(mount) || options.mounts.includes(mount.target)),
    ).filter((mount) => !options.ignore.includes(mount.target))
    const fstab = parseFstab(await readFile(join(options.root, 'etc/fstab'), 'utf8').catch(() => ''))
    const before = recall<Writable>()?.value ?? []
    const mustBeWritable = ({ target: mount }: (typeof mounts)[number]) =>
      !fstab.readOnly.has(mount) && (before.includes(mount) || fstab.named.has(mount))
    remember(
      mounts.flatMap((mount) => (!mount.isReadOnly || before.includes(mount.target) ? [mount.target] : [])),
    )
    for (const mount of mounts.filter((mounted) => mounted.isReadOnly && mustBeWritable(mounted))) {
      problem({
        key: mount.target,
        severity: 'critical',
        summary: say`${mount.target} has become read-only`,
        advice: say`the kernel does this after a disk error: read dmesg, save what is there, then check the disk; if it was done on purpose, write ro into /etc/fstab`,
        evidence: { mount: mount.target, type: mount.type },
      })
    }
  },
})
