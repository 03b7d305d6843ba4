import { spawnSync } from 'node:child_process'
import type { ServerName } from './server-packages.ts'

/** Whether a Docker engine answers. */
export function hasDocker(): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 5000 }).status === 0
}

/**
 * Runs `npm test` with these arguments on a copy of the checkout in a Debian container, which installs the servers
 * itself. The checkout is mounted read-only. Gives the exit status.
 */
export function runInContainer(missing: readonly ServerName[], args: readonly string[]): number {
  console.log(
    `tests: ${missing.join(', ')} missing; running in a container of ${IMAGE} (HEALTHZ_TEST_PREPARE=no does not)`,
  )
  const { status } = spawnSync('docker', [...RUN, IMAGE, 'sh', '-c', SCRIPT, 'sh', ...args.slice(1)], {
    stdio: 'inherit',
  })
  return status ?? 1
}

const IMAGE = 'node:24-bookworm'

const RUN: readonly string[] = [
  ...['run', '--rm', '--init', '--volume', `${process.cwd()}:/checkout:ro`],
  // A name without a value is passed on if it is set.
  ...[
    '--env',
    'HEALTHZ_TEST_REQUIRE',
    '--env',
    'HEALTHZ_TEST_WITHOUT',
    '--env',
    'CI',
    '--env',
    'FORCE_COLOR',
  ],
]

/** The modules are installed anew, since some hold programs for the host's own system. */
const SCRIPT = `set -e
mkdir /copy
tar -C /checkout --exclude=./node_modules --exclude=./dist --exclude=./coverage -cf - . | tar -C /copy -xf -
cd /copy
npm ci --no-audit --no-fund --loglevel=error
exec npm test -- "$@"`
