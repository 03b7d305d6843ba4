import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Need } from '../needs.ts'
import { kept } from './cache.ts'
import { findProgram } from './programs.ts'

/*
 * Servers of other versions than this Debian's come from other releases of Debian. Their packages, with all that these
 * need, are fetched by apt, which checks their signatures, and unpacked into a tree; none of their scripts is run.
 * What stands in a tree runs with it as its root, in mounts of its own that end with it.
 */
const run = promisify(execFile)

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** RabbitMQ 4.0, Redis 8.0, Valkey 8.1 and MariaDB 11.8; about 15 s and 500 MB at the first time. */
export const debian13 = () =>
  debianTree('trixie', ['mariadb-server', 'rabbitmq-server', 'redis-server', 'valkey-server'])

/** Consul 1.8, the last that Debian had. */
export const debian11 = () => debianTree('bullseye', ['consul'])

/** The tree of a release with these packages. */
function debianTree(release: string, packages: readonly string[]): Promise<string> {
  return kept(`debian-${release}-${packages.join('-')}`, async (tree) => {
    const mirror = findMirror()
    if (mirror === null) throw new Error(`apt knows no mirror of Debian to fetch ${packages.join(', ')} from`)
    const apt = join(tree, '.apt')
    const archives = join(apt, 'archives')
    await mkdir(join(apt, 'lists', 'partial'), { recursive: true })
    await mkdir(join(archives, 'partial'), { recursive: true })
    await writeFile(join(apt, 'status'), '')
    await writeFile(join(apt, 'sources.list'), `deb [signed-by=${keyring}] ${mirror} ${release} main\n`)
    await aptGet(apt, 'update')
    await aptGet(apt, 'install', '--yes', '--download-only', ...ESSENTIAL, ...packages)
    for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
      await run('dpkg-deb', ['--extract', join(archives, name), tree])
    }
    await rm(apt, { recursive: true })
    await writeFile(join(tree, 'etc', 'hosts'), '127.0.0.1 localhost\n')
  })
}

/** What start scripts take for granted, so that no package names it. */
const ESSENTIAL = [
  'base-files',
  'bash',
  'coreutils',
  'dash',
  'findutils',
  'grep',
  'hostname',
  'libc-bin',
  'sed',
]

function aptGet(apt: string, ...args: readonly string[]) {
  const settings = [
    `Dir::State=${apt}`,
    `Dir::State::status=${join(apt, 'status')}`,
    `Dir::Cache=${apt}`,
    `Dir::Etc::sourcelist=${join(apt, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    'APT::Install-Recommends=false',
    'APT::Sandbox::User=root',
  ]
  return run('apt-get', ['-q', ...settings.flatMap((setting) => ['-o', setting]), ...args], {
    timeout: 300_000,
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** The program and its arguments that run `command` in the tree. They replace each other: the process stays one. */
export function insideTree(
  tree: string,
  command: string,
  args: readonly string[],
): [command: string, args: readonly string[]] {
  return ['unshare', ['--mount', 'sh', '-c', ENTER, 'sh', tree, command, ...args]]
}

const ENTER = `tree=$1
shift
for dir in proc dev sys tmp; do mount --rbind /$dir "$tree/$dir" || exit; done
exec chroot "$tree" "$@"`

/** Whether servers of other releases of Debian can be had and started here. */
export const otherDebians: Need = {
  name: 'other-debians',
  isThere: canMount() && existsSync(keyring) && findMirror() !== null,
  wanted: 'root on Debian, with apt and a kernel that gives root mounts of its own',
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !findProgram('unshare')) return false
  return spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore', timeout: 10_000 }).status === 0
}

/** Where apt gets this release of Debian from; null on another system. */
function findMirror(): string | null {
  if (!findProgram('apt-get') || !existsSync('/etc/os-release')) return null
  const system = readFileSync('/etc/os-release', 'utf8')
  const [, release = ''] = /^VERSION_CODENAME=(\w+)$/m.exec(system) ?? []
  if (!/^ID=debian$/m.test(system)) return null
  const { stdout } = spawnSync(
    'apt-get',
    ['indextargets', '--format', '$(RELEASE) $(REPO_URI)', 'Created-By: Packages', 'Component: main'],
    { encoding: 'utf8', timeout: 10_000 },
  )
  const sources = stdout.split('\n').map((line) => line.split(' '))
  return sources.find(([name]) => name === release)?.[1] ?? null
}
