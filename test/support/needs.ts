import { describe, test } from 'vitest'
import { findProgram } from './servers/programs.ts'
import {
  isRequired,
  isUnwanted,
  missingServers,
  packagesOf,
  type ServerName,
  whyRefused,
} from './setup/server-packages.ts'

/** Something that no Debian package is sure to bring. */
export interface Need {
  /** As HEALTHZ_TEST_REQUIRE and HEALTHZ_TEST_WITHOUT name it. */
  readonly name: string
  readonly isThere: boolean
  /** What a person has to see to: "a JDK in /opt". */
  readonly wanted: string
}

export const linux: Need = { name: 'linux', isThere: process.platform === 'linux', wanted: 'a Linux kernel' }
export const root: Need = { name: 'root', isThere: process.getuid?.() === 0, wanted: 'to run as root' }
export const python: Need = {
  name: 'python3',
  isThere: findProgram('python3') !== null,
  wanted: 'apt-get install python3',
}

/**
 * A suite that runs when the servers it needs are installed and can run here. Otherwise it is skipped, and named with
 * the reason at the end of the run; where HEALTHZ_TEST_REQUIRE asks for a server that is not there it fails instead.
 */
export function describeWith(needs: readonly (ServerName | Need)[], title: string, suite: () => void): void {
  const servers = needs.filter((need) => typeof need === 'string')
  const others = needs.filter((need) => typeof need !== 'string')
  const refused = servers.filter((name) => whyRefused(name) !== null)
  const missing = missingServers(servers).filter((name) => !refused.includes(name))
  const absent = others.filter(({ isThere }) => !isThere)
  const unwanted = [...servers, ...others.map(({ name }) => name)].filter(isUnwanted)
  const leftOut = [
    ...(missing.length > 0
      ? [`needs ${missing.join(', ')}: apt-get install ${packagesOf(missing).join(' ')}`]
      : []),
    ...absent.map(({ name, wanted }) => `needs ${name}: ${wanted}`),
    ...refused.map((name) => `this machine cannot run ${name}: ${whyRefused(name)}`),
    ...(unwanted.length > 0 ? [`HEALTHZ_TEST_WITHOUT names ${unwanted.join(', ')}`] : []),
  ].join('; ')
  if (leftOut === '') {
    describe(title, suite)
    return
  }
  if (![...missing, ...refused, ...absent.map(({ name }) => name), ...unwanted].some(isRequired)) {
    describe(title, { skip: true, meta: { leftOut } }, suite)
    return
  }
  describe(title, () => {
    test('the servers it needs are there', () => {
      throw new Error(
        `HEALTHZ_TEST_REQUIRE is ${process.env['HEALTHZ_TEST_REQUIRE']}, but this suite is left out: ${leftOut}`,
      )
    })
  })
}

declare module 'vitest' {
  interface TaskMeta {
    /** Why a suite was left out. */
    leftOut?: string
  }
}
