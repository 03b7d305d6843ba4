import { execFile } from 'node:child_process'
import { cp, mkdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { insideTree } from './debian-tree.ts'
import { findProgram } from './programs.ts'
import { makeTempDir, runDir } from './temp-dir.ts'

/**
 * Puts a freshly installed data directory at `target`, of the MariaDB of a `debianTree` where one is given. Within a
 * test run it is installed once and then copied, which takes a tenth of the time.
 */
export async function copyDatadir(target: string, tree?: string): Promise<void> {
  const run = runDir()
  if (run === undefined) return await install(target, tree)
  const cache = join(run, `mariadb-datadir${tree === undefined ? '' : `-${basename(tree)}`}`)
  try {
    await cp(cache, target, { recursive: true })
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    await fill(cache, tree)
    await cp(cache, target, { recursive: true })
  }
}

/** Run by root, both of MariaDB's programs insist on being told that this is meant. */
export function asRootUser(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}

/** Two workers may do this at the same time; the rename lets one win, whole. */
async function fill(cache: string, tree: string | undefined): Promise<void> {
  await using temp = await makeTempDir()
  const fresh = join(temp.path, 'data')
  await install(fresh, tree)
  try {
    await rename(fresh, cache)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error
  }
}

async function install(datadir: string, tree: string | undefined): Promise<void> {
  // A tree has no list of users to find the name in.
  const user = tree === undefined ? asRootUser() : ['--user=0']
  const args = [
    ...['--no-defaults', ...user, `--datadir=${datadir}`],
    ...['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'],
    // An install clears the temporary files of any other that shares its folder.
    `--tmpdir=${dirname(datadir)}`,
    ...['--innodb-log-file-size=4M', '--innodb-data-file-path=ibdata1:12M:autoextend'],
  ]
  const [name, given] = tree === undefined ? [installer, args] : insideTree(tree, installer, args)
  const program = findProgram(name)
  if (program === null) throw new Error(`mariadb cannot start: ${name} is not installed`)
  await mkdir(datadir)
  await promisify(execFile)(program, given, { timeout: 60_000 })
}

const installer = 'mariadb-install-db'

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
