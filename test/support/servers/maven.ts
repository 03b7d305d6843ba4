import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kept } from './cache.ts'

/* Servers that no Debian package brings come from Maven Central. */
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1'
const run = promisify(execFile)

/** Fetches and unpacks an archive, `group:artifact:version:zip`. Returns the directory of what was in it. */
export function mavenArchive(artifact: string): Promise<string> {
  const [, name = '', version = '', type = 'zip'] = artifact.split(':')
  return kept(`${name}-${version}`, async (dir) => {
    const archives = join(dir, '.archive')
    await mvn([`${plugin}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${archives}`])
    await run('unzip', ['-q', join(archives, `${name}-${version}.${type}`), '-d', dir])
    await rm(archives, { recursive: true })
  })
}

/** Fetches artifacts, `group:artifact:version`, with all they need at run time. Returns the directory of the jars. */
export function mavenJars(name: string, artifacts: readonly string[]): Promise<string> {
  return kept(name, async (dir) => {
    const pom = join(dir, 'pom.xml')
    await writeFile(pom, pomOf(artifacts))
    await mvn([
      '-f',
      pom,
      `${plugin}:copy-dependencies`,
      '-DincludeScope=runtime',
      `-DoutputDirectory=${dir}`,
    ])
  })
}

const mvn = (args: readonly string[]) => run('mvn', ['-q', '-B', ...args], { timeout: 300_000 })

function pomOf(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>healthz</groupId><artifactId>servers</artifactId><version>1</version>
<dependencies>${dependencies.join('\n')}</dependencies></project>
`
}
