import { execFile } from 'node:child_process'
import { cp, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from './programs.ts'
import { makeTempDir, runDir } from './temp-dir.ts'

/**
 * Puts a freshly installed data directory at `target`. Within a test run it is installed once and then copied,
 * which takes a tenth of the time.
 */
export async function copyDatadir(target: string): Promise<void> {
  const run = runDir()
  if (run === undefined) return await install(target)
  const cache = join(run, 'mariadb-datadir')
  try {
    await cp(cache, target, { recursive: true })
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    await fill(cache)
    await cp(cache, target, { recursive: true })
  }
}

/** Run by root, both of MariaDB's programs insist on being told that this is meant. */
export function asRootUser(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}

/** Two workers may do this at the same time; the rename lets one win, whole. */
async function fill(cache: string): Promise<void> {
  await using temp = await makeTempDir()
  const fresh = join(temp.path, 'data')
  await install(fresh)
  try {
    await rename(fresh, cache)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error
  }
}

async function install(datadir: string): Promise<void> {
  const program = findProgram('mariadb-install-db')
  if (program === null) throw new Error('mariadb cannot start: mariadb-install-db is not installed')
  await mkdir(datadir)
  await promisify(execFile)(
    program,
    [
      ...['--no-defaults', ...asRootUser(), `--datadir=${datadir}`],
      ...['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'],
      // An install clears the temporary files of any other that shares its folder.
      `--tmpdir=${dirname(datadir)}`,
      ...['--innodb-log-file-size=4M', '--innodb-data-file-path=ibdata1:12M:autoextend'],
    ],
    { timeout: 60_000 },
  )
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
