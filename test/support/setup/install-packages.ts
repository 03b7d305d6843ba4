import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { findProgram } from '../servers/programs.ts'

/** Whether this is root on Debian, Ubuntu or one of their descendants. */
export function canInstall(): boolean {
  if (process.getuid?.() !== 0 || !findProgram('apt-get') || !existsSync('/etc/os-release')) return false
  return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** Installs the packages without starting what is in them. A failure is printed, with the end of apt's words. */
export function installPackages(packages: readonly string[]): void {
  const started = performance.now()
  console.log(`tests: installing ${packages.join(' ')} (HEALTHZ_TEST_PREPARE=no does without)`)
  const failure = withoutServices(() => runApt(packages) && runApt(packages))
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    failure ? `tests: apt-get failed after ${seconds} s:\n${failure}` : `tests: installed in ${seconds} s`,
  )
}

/** Debian asks this script before it starts a service; 101 says that it must not. */
function withoutServices<T>(act: () => T): T {
  if (existsSync(POLICY)) return act()
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return act()
  } finally {
    rmSync(POLICY)
  }
}

const POLICY = '/usr/sbin/policy-rc.d'

/** Gives null, or what apt-get said when it failed. */
function runApt(packages: readonly string[]): string | null {
  return aptGet('update') ?? aptGet('install', '-y', '--no-install-recommends', ...packages)
}

function aptGet(...args: readonly string[]): string | null {
  const { status, stdout, stderr, error } = spawnSync(
    'apt-get',
    ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    },
  )
  return status === 0 ? null : `${error ?? `${stdout}${stderr}`}`.slice(-2000)
}
