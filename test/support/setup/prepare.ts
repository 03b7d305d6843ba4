import { findProgram } from '../servers/programs.ts'
import { isUnwanted, missingServers, packagesOf, type ServerName, whyRefused } from './server-packages.ts'

/*
 * `node prepare.ts vitest run [FILE ...]` runs the tests after it has seen to the servers they need: as root on
 * Debian or Ubuntu it installs the missing ones, elsewhere it moves the whole run into a Debian container where a
 * Docker engine answers. HEALTHZ_TEST_PREPARE=no leaves both out, and so does a run of unit tests alone.
 */
const [command = 'vitest', ...args] = process.argv.slice(2)
if (!isUnitOnly(args))
  await prepare(
    missingServers().filter((name) => !isUnwanted(name) && whyRefused(name) === null),
    args,
  )
if (!isUnitOnly(args) && args.every((arg) => arg === 'run' || arg.startsWith('-'))) await fetchAll()
become(command, args)

/** For a run of all tests. */
async function fetchAll(): Promise<void> {
  if (process.env['HEALTHZ_TEST_PREPARE'] === 'no' || missingServers(['java', 'celery']).length > 0) return
  if ((['java', 'celery'] as const).some(isUnwanted)) return
  const { fetchServers } = await import('./fetch-servers.ts')
  await fetchServers()
}

async function prepare(missing: readonly ServerName[], args: readonly string[]): Promise<void> {
  if (missing.length === 0) return
  if (process.env['HEALTHZ_TEST_PREPARE'] !== 'no') {
    const { canInstall, installPackages } = await import('./install-packages.ts')
    if (canInstall()) return installPackages(packagesOf(missing))
    const { hasDocker, runInContainer } = await import('./run-in-container.ts')
    if (hasDocker()) process.exit(runInContainer(missing, args))
  }
  console.log(`tests: ${missing.join(', ')} missing; what needs them is left out or, if required, fails`)
}

function isUnitOnly(args: readonly string[]): boolean {
  const files = args.slice(1).filter((arg) => !arg.startsWith('-'))
  return files.length > 0 && files.every((file) => file.startsWith('test/unit'))
}

/** Puts the command in the place of this process, so that signals and the exit status are its own. */
function become(command: string, args: readonly string[]): void {
  const path = findProgram(command)
  if (path === null) throw new Error(`${command} is not installed; run this with "npm test"`)
  if (!process.execve) throw new Error(`the tests cannot run on ${process.platform}`)
  process.execve(path, [command, ...args], process.env)
}
