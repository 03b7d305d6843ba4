import { describe, test } from 'vitest'
import { isRequired, isUnwanted, missingServers, packagesOf, type ServerName } from './server-packages.ts'

/**
 * A suite that runs when the servers it needs are installed. Otherwise it is skipped, and named with the reason at
 * the end of the run; where HEALTHZ_TEST_REQUIRE asks for a missing server it fails instead.
 */
export function describeWith(servers: readonly ServerName[], title: string, suite: () => void): void {
  const missing = missingServers(servers)
  const unwanted = servers.filter(isUnwanted)
  if (missing.length + unwanted.length === 0) {
    describe(title, suite)
    return
  }
  const leftOut = [
    ...(missing.length > 0
      ? [`needs ${missing.join(', ')}: apt-get install ${packagesOf(missing).join(' ')}`]
      : []),
    ...(unwanted.length > 0 ? [`HEALTHZ_TEST_WITHOUT names ${unwanted.join(', ')}`] : []),
  ].join('; ')
  if (![...missing, ...unwanted].some(isRequired)) {
    describe(title, { skip: true, meta: { leftOut } }, suite)
    return
  }
  describe(title, () => {
    test('the servers it needs are installed', () => {
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
