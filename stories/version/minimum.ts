import { CannotTell, isAtLeast, isVersion, say, stepOf, type Text } from 'healthz'
import { findVersion } from './find-version.ts'
import type { Options, Product } from './options.ts'
import { textOf } from './source.ts'

const step = stepOf<undefined, Options>()

/** Every product is of its least version or newer; versions are compared number by number, never as text. */
export const minimum = step({
  title: say`every product is new enough`,
  // It does not become newer by being asked again.
  confirm: 1,
  async check({ options, signal, note, problem, cannotTell }) {
    const found = await Promise.all(
      options.of.map(async (product) => ({ product, version: await read(product, options.timeout, signal) })),
    )
    const untold: Text[] = []
    for (const { product, version } of found) {
      const { name, minimum, advice } = product
      if (version instanceof CannotTell) {
        untold.push(say`${name}: ${version.reason}`)
        continue
      }
      note(say`${name} is ${version}`)
      if (isAtLeast(version, minimum)) continue
      problem({
        key: name,
        severity: 'warning',
        summary: say`${name} is ${version} (at least ${minimum} is needed)`,
        advice: advice ?? say`upgrade it`,
        evidence: { version, minimum, source: sourceOf(product) },
      })
    }
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

async function read(product: Product, timeout: number, signal: AbortSignal): Promise<string | CannotTell> {
  try {
    const version = findVersion(await textOf(product, timeout, signal), product.matches)
    if (version === null || !isVersion(version))
      throw new CannotTell(say`there is no version in what it says`)
    return version
  } catch (error) {
    if (error instanceof CannotTell) return error
    throw error
  }
}

/** Of a command its name only: an argument may be a secret. */
function sourceOf({ http, command, file }: Product): string {
  if (http !== undefined) return http.url.url.origin + http.url.url.pathname
  return command?.[0] ?? file ?? ''
}
