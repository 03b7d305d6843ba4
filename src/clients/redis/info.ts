import { CannotTell } from '../../core/story.ts'
import { say } from '../../core/text.ts'

/** What INFO says: named fields, as text or as numbers. */
export class RedisInfo {
  readonly #fields: ReadonlyMap<string, string>

  constructor(reply: string) {
    const pairs = reply.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      return line.startsWith('#') || colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]]
    })
    this.#fields = new Map(pairs)
  }

  /** Whether the server said nothing at all: it does not know the section. */
  get isEmpty(): boolean {
    return this.#fields.size === 0
  }

  /** The fields whose names begin so, such as `slave0`. */
  startingWith(prefix: string): readonly (readonly [name: string, value: string])[] {
    return [...this.#fields].filter(([name]) => name.startsWith(prefix))
  }

  /** @throws CannotTell where the server does not give the field. */
  text(field: string): string {
    const value = this.#fields.get(field)
    if (value === undefined) throw new CannotTell(say`this server does not report ${field}`)
    return value
  }

  /** @throws CannotTell where the server does not give the field, or not as a number. */
  number(field: string): number {
    const value = Number(this.text(field))
    if (!Number.isFinite(value)) throw new CannotTell(say`this server does not report ${field} as a number`)
    return value
  }

  textOr<Fallback>(field: string, fallback: Fallback): string | Fallback {
    return this.#fields.get(field) ?? fallback
  }

  numberOr<Fallback>(field: string, fallback: Fallback): number | Fallback {
    const value = Number(this.#fields.get(field) ?? Number.NaN)
    return Number.isFinite(value) ? value : fallback
  }
}

/** The `a=1,b=2` inside a field such as `slave0` or `cmdstat_ping`. */
export function redisPairs(value: string): ReadonlyMap<string, string> {
  return new Map(
    value.split(',').flatMap((pair): [string, string][] => {
      const equals = pair.indexOf('=')
      return equals < 0 ? [] : [[pair.slice(0, equals), pair.slice(equals + 1)]]
    }),
  )
}
