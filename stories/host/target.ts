import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { needProc, type ProcessStat, scanProcesses, shareInFlight, stepOf, z } from 'healthz'
import { type Filesystems, readFilesystems } from './filesystems.ts'
import { type Mount, parseMountinfo } from './mounts.ts'

const path = z.string().startsWith('/', { error: 'not an absolute path' })

export const options = z.strictObject({
  mounts: z
    .array(path)
    .default([])
    .describe(
      'mounts to watch beside the local disks, such as a tmpfs or NFS. One that is not mounted is a problem',
    ),
  ignore: z.array(path).default([]).describe('mounts to leave out'),
  /** Commands that free space on a mount; one is run only when a person asks for it. */
  cleanups: z
    .array(
      z.strictObject({
        mount: path,
        name: z.string().min(1).describe('what it does, for people: "vacuum the journal"'),
        command: z.array(z.string().min(1)).min(1),
      }),
    )
    .default([]),
  /** Where the host's /proc and / are mounted, for a watchman in a container that watches its host. */
  proc: path.default('/proc'),
  root: path.default('/'),
})

export type Options = z.output<typeof options>

/** This host, read from `/proc`. What steps that ask together share is read once for them. */
export interface Host {
  /** A file below `/proc`; null where this kernel has none, or this user may not read it. */
  read(file: string): Promise<string | null>
  mounts(): Promise<readonly Mount[]>
  filesystems(signal: AbortSignal): Promise<Filesystems>
  processes(): Promise<readonly ProcessStat[]>
}

export const step = stepOf<Host, Options>()

/** @throws CannotTell where there is no `/proc` */
export function openHost(options: Options): Host {
  const { proc, root } = options
  needProc(proc)
  const read = (file: string) => readFile(join(proc, file), 'utf8').catch(() => null)
  // In a container, "self" would be the container's own view.
  const mountinfo = proc === '/proc' ? 'self/mountinfo' : '1/mountinfo'
  const mounts = shareInFlight(async () => parseMountinfo((await read(mountinfo)) ?? ''))
  return {
    read,
    mounts,
    filesystems: shareInFlight(async (signal) => readFilesystems(await mounts(), options, root, signal)),
    processes: shareInFlight(() => scanProcesses(proc)),
  }
}
