/** A mounted file system, as `/proc/<pid>/mountinfo` tells of it. */
export interface Mount {
  /** `major:minor`: two mounts of one disk have the same. */
  readonly device: string
  readonly target: string
  readonly type: string
  /** Whether the file system itself takes no writes. A mount that alone is read-only may be so for one service. */
  readonly isReadOnly: boolean
}

export function parseMountinfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [mounted = '', filesystem = ''] = line.split(' - ')
    const [, , device, , target] = mounted.split(' ')
    const [type, , superOptions = ''] = filesystem.split(' ')
    if (device === undefined || target === undefined || type === undefined) return []
    const isReadOnly = superOptions.split(',').includes('ro')
    return [{ device, target: unescaped(target), type, isReadOnly }]
  })
}

/** Whether it is a file system of a local disk. */
export const isDisk = ({ type }: Mount) => diskTypes.has(type)

/** Whether it lies on a local disk. The root counts whatever it is: in a container it is an overlay on one. */
export function isOnDisk(mount: Mount): boolean {
  return isDisk(mount) || (mount.target === '/' && !memoryTypes.has(mount.type))
}

/** Whether asking it may hang: its server is elsewhere, or a program of this host. */
export function isRemote(mount: Mount): boolean {
  return !isOnDisk(mount) && !memoryTypes.has(mount.type)
}

/** One mount a device, the one with the shortest path; a later mount on the same path covers the earlier. */
export function withoutDoubles(mounts: readonly Mount[]): readonly Mount[] {
  const visible = [...new Map(mounts.map((mount) => [mount.target, mount])).values()]
  const byLength = visible.toSorted((a, b) => a.target.length - b.target.length)
  return byLength.filter(
    (mount, index) => byLength.findIndex(({ device }) => device === mount.device) === index,
  )
}

/** The mounts that `/etc/fstab` wants read-only, and all that it names. */
export function parseFstab(text: string): { readonly named: Set<string>; readonly readOnly: Set<string> } {
  const [named, readOnly] = [new Set<string>(), new Set<string>()]
  for (const line of text.split('\n')) {
    const [source = '', target, , options = ''] = line.trim().split(/\s+/)
    if (source === '' || source.startsWith('#') || target === undefined) continue
    named.add(unescaped(target))
    if (options.split(',').includes('ro')) readOnly.add(unescaped(target))
  }
  return { named, readOnly }
}

const diskTypes = new Set([
  ...[
    'ext2',
    'ext3',
    'ext4',
    'xfs',
    'btrfs',
    'zfs',
    'f2fs',
    'jfs',
    'reiserfs',
    'bcachefs',
    'nilfs2',
    'ubifs',
  ],
  ...['vfat', 'exfat', 'ntfs', 'ntfs3', 'hfsplus'],
])

const memoryTypes = new Set(['tmpfs', 'ramfs', 'rootfs', 'squashfs', 'iso9660', 'erofs'])

/** Space, tab, newline and backslash are written in octal. */
const unescaped = (text: string) =>
  text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
