import { whyNoContainers } from '../servers/namespaces.ts'
import { findProgram } from '../servers/programs.ts'

/** The servers that tests may need: one line each, with the programs looked for and the Debian packages of them. */
export const SERVER_PACKAGES = {
  redis: { programs: ['redis-server'], packages: ['redis-server'] },
  'redis-sentinel': { programs: ['redis-sentinel'], packages: ['redis-sentinel'] },
  mariadb: { programs: ['mariadbd', 'mariadb-install-db'], packages: ['mariadb-server'] },
  rabbitmq: { programs: ['rabbitmq-server', 'rabbitmqctl', 'epmd'], packages: ['rabbitmq-server'] },
  supervisor: { programs: ['supervisord'], packages: ['supervisor'] },
  nginx: { programs: ['nginx'], packages: ['nginx-light'] },
  prometheus: { programs: ['prometheus'], packages: ['prometheus'] },
  influxdb: { programs: ['influxd'], packages: ['influxdb'] },
  celery: { programs: ['celery'], packages: ['celery', 'python3-redis', 'python3-pip', 'python3-venv'] },
  gunicorn: { programs: ['gunicorn'], packages: ['gunicorn'] },
  java: { programs: ['java', 'mvn', 'unzip'], packages: ['openjdk-17-jre-headless', 'maven', 'unzip'] },
  docker: { programs: ['dockerd', 'containerd', 'runc'], packages: ['docker.io'], refusal: whyNoContainers },
  ping: { programs: ['ping'], packages: ['iputils-ping'] },
  openssl: { programs: ['openssl'], packages: ['openssl'] },
} as const satisfies Readonly<Record<string, ServerPackages>>

export type ServerName = keyof typeof SERVER_PACKAGES

interface ServerPackages {
  readonly programs: readonly string[]
  readonly packages: readonly string[]
  /** Why this machine cannot run it even where it is installed; null if it can. */
  readonly refusal?: () => string | null
}

/** Those of the servers that are not installed. */
export function missingServers(names: readonly ServerName[] = ALL): readonly ServerName[] {
  return names.filter((name) => SERVER_PACKAGES[name].programs.some((program) => !findProgram(program)))
}

/** Why this machine cannot run the server even where it is installed; null if it can. */
export function whyRefused(name: ServerName): string | null {
  const server: ServerPackages = SERVER_PACKAGES[name]
  return server.refusal?.() ?? null
}

/** Whether HEALTHZ_TEST_WITHOUT, a comma list, says to do without the server even if it is installed. */
export function isUnwanted(name: string): boolean {
  return list(process.env['HEALTHZ_TEST_WITHOUT']).includes(name)
}

/** Whether a missing server fails the tests: HEALTHZ_TEST_REQUIRE is `all` or a comma list that names it. */
export function isRequired(name: string): boolean {
  const required = list(process.env['HEALTHZ_TEST_REQUIRE'])
  return required.includes('all') || required.includes(name)
}

export function packagesOf(names: readonly ServerName[]): readonly string[] {
  return names.flatMap((name) => SERVER_PACKAGES[name].packages)
}

// The keys of a constant object are exactly its declared ones.
const ALL = Object.keys(SERVER_PACKAGES) as ServerName[]

function list(text = ''): readonly string[] {
  return text.split(',').map((name) => name.trim())
}
