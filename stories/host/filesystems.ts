import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isOnDisk, isRemote, type Mount, withoutDoubles } from './mounts.ts'

/** How full a mounted file system is, in bytes and files. */
export interface Filesystem {
  readonly target: string
  readonly size: number
  readonly used: number
  /** What a plain user may still write: a reserve for root is left out. */
  readonly available: number
  /** 0 where the file system does not count its files. */
  readonly files: number
  readonly filesFree: number
}

export interface Filesystems {
  readonly known: readonly Filesystem[]
  /** Mounts that did not answer in time. */
  readonly silent: readonly string[]
  /** Mounts that were asked for and are not there. */
  readonly absent: readonly string[]
}

/** The writable local disks, and the mounts that are listed. */
export async function readFilesystems(
  mounts: readonly Mount[],
  listed: { readonly mounts: readonly string[]; readonly ignore: readonly string[] },
  root: string,
  signal: AbortSignal,
): Promise<Filesystems> {
  const asked = mounts.filter(({ target }) => listed.mounts.includes(target))
  const disks = withoutDoubles(mounts.filter(isOnDisk))
  const wanted = withoutDoubles([...disks, ...asked]).filter(
    ({ target, isReadOnly }) => !isReadOnly && !listed.ignore.includes(target),
  )
  const answers = await Promise.all(
    wanted.map(async (mount) => ({ mount, answer: await readOne(mount, root, signal) })),
  )
  const known = answers.flatMap(({ mount: { target }, answer }) =>
    answer === null || answer === 'silent' ? [] : [{ target, ...answer }],
  )
  return {
    known: withoutCopiesOfRoot(known, mounts),
    silent: answers.flatMap(({ mount, answer }) => (answer === 'silent' ? [mount.target] : [])),
    absent: listed.mounts.filter((target) => mounts.every((mount) => mount.target !== target)),
  }
}

type Use = Omit<Filesystem, 'target'>

/** How long a mount may take to answer, in milliseconds. */
const patience = 2000

/** Null where this user may not look, or it was unmounted in the meantime. */
async function readOne(mount: Mount, root: string, signal: AbortSignal): Promise<Use | 'silent' | null> {
  const path = join(root, mount.target)
  const done = new AbortController()
  try {
    const answer = isRemote(mount) ? askInChild(path, signal) : askHere(path)
    const tooLate = delay(patience, 'silent' as const, { signal: done.signal, ref: false })
    return await Promise.race([answer, tooLate])
  } catch (error) {
    if (signal.aborted) throw error
    return isKilled(error) ? 'silent' : null
  } finally {
    done.abort()
  }
}

async function askHere(path: string): Promise<Use> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path)
  return use(bsize, blocks, bfree, bavail, files, ffree)
}

/**
 * A server that hangs would hold one of the few threads that this process has for files and names, at each telling
 * one more, for ever. A child process can be killed instead. Local disks need none: where they hang, all does.
 */
async function askInChild(path: string, signal: AbortSignal): Promise<Use> {
  const asked = await promisify(execFile)('stat', ['-f', '-c', '%S %b %f %a %c %d', '--', path], {
    signal,
    timeout: patience,
    killSignal: 'SIGKILL',
  })
  const [block = 0, blocks = 0, free = 0, available = 0, files = 0, filesFree = 0] = asked.stdout
    .trim()
    .split(' ')
    .map(Number)
  return use(block, blocks, free, available, files, filesFree)
}

function use(
  block: number,
  blocks: number,
  free: number,
  available: number,
  files: number,
  filesFree: number,
): Use {
  return {
    size: blocks * block,
    used: (blocks - free) * block,
    available: available * block,
    files,
    filesFree,
  }
}

const isKilled = (error: unknown) => error instanceof Error && 'killed' in error && error.killed === true

/**
 * In a container, files such as /etc/hosts are mounts of the disk that its overlay root lies on as well: one disk is
 * told once.
 */
function withoutCopiesOfRoot(known: readonly Filesystem[], mounts: readonly Mount[]): readonly Filesystem[] {
  const isOverlay = mounts.some(({ target, type }) => target === '/' && type === 'overlay')
  const root = known.find(({ target }) => target === '/')
  if (!isOverlay || root === undefined) return known
  return known.filter(
    ({ target, size, files }) => target === '/' || size !== root.size || files !== root.files,
  )
}
