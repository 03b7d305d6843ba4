import { ConnectionFailure, isNamed, type OpenContext, say, shareInFlight, stepOf, z } from 'healthz'
import { type Container, containerShape } from './container.ts'
import { type Api, engineApi } from './engine.ts'
import type { Options } from './options.ts'

/** An engine that answers. */
export interface Engine {
  readonly api: Api
  /** The containers that are not left alone, by name, asked once for the steps that ask together. */
  look(signal: AbortSignal): Promise<Look>
  /** One container, asked anew; null where it is gone. */
  container(id: string, signal: AbortSignal): Promise<Container | null>
}

export interface Look {
  readonly containers: readonly Container[]
  /** Wall milliseconds on the engine's clock. */
  readonly at: number
}

/** Declares a step of this story. */
export const step = stepOf<Engine, Options>()

/** @throws ConnectionFailure unless an engine answers and lets the watchman ask. */
export async function openEngine({ options, signal }: OpenContext<Options>): Promise<Engine> {
  const api = engineApi(options)
  await enter(api, signal)
  const container = (id: string, within: AbortSignal) =>
    api.find(`/containers/${encodeURIComponent(id)}/json`, containerShape, within)
  return {
    api,
    container,
    look: shareInFlight(async (within) => {
      const { value, at } = await api.get('/containers/json?all=1', listShape, within)
      const asked = value.filter(({ Names }) => !isIgnored(Names, options.ignore))
      const found = await inTurn(asked, atOnce, ({ Id }) => container(Id, within))
      // One that was removed in the meantime is gone.
      const containers = found.filter((known) => known !== null)
      return {
        containers: containers.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        at: at ?? Date.now(),
      }
    }),
  }
}

const listShape = z.array(z.looseObject({ Id: z.string(), Names: z.array(z.string()).nullish() }))

/** Questions to the engine at the same time. */
const atOnce = 8

async function enter(api: Api, signal: AbortSignal): Promise<void> {
  const { address } = api
  const version = await api.find('/version', z.unknown(), signal, replyDeadline).catch((error) => {
    if (error instanceof ConnectionFailure) throw error
    const detail = say`it is no container engine that lets the watchman ask GET /version`
    throw new ConnectionFailure('protocol', address, { detail, cause: error })
  })
  if (versionShape.safeParse(version).success) return
  throw new ConnectionFailure('protocol', address, { detail: say`it answers, but is no container engine` })
}

/** Milliseconds until the first answer; an engine that hangs is told from one that is slow. */
const replyDeadline = 3500

const versionShape = z.looseObject({ ApiVersion: z.string() })

/** The engine puts a slash before the names of containers. */
const isIgnored = (names: readonly string[] | null | undefined, patterns: readonly string[]) =>
  (names ?? []).some((name) => isNamed(name.replace(/^\//, ''), patterns))

async function inTurn<T, R>(items: readonly T[], most: number, ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  for (let from = 0; from < items.length; from += most)
    answers.push(...(await Promise.all(items.slice(from, from + most).map(ask))))
  return answers
}
