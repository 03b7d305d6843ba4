import { z } from 'zod'

/** A zod issue, with what the schema alone knows: the keys that an object has, and what its value is called. */
export type Issue = z.core.$ZodIssue

export type IssueOf<Code> = Extract<Issue, { readonly code: Code }>

/** Where a schema says nothing of its own about a fault, this stands in the place of zod's English words. */
interface Unsaid {
  readonly known?: readonly string[]
  readonly title?: string
}

const mark = '\0'

/** Checks a value; the issues it gives are read by `saidOf` and `unsaidOf`. A schema that throws gives one issue. */
export function safeParse<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { readonly value: T } | { readonly issues: readonly Issue[] } {
  try {
    const parsed = schema.safeParse(value, { error: unsaid, jitless: true })
    return parsed.success ? { value: parsed.data } : { issues: parsed.error.issues }
  } catch {
    // A transform of a plugin's schema threw, or it wants to be awaited: it does not take this value.
    return { issues: [{ code: 'custom', path: [], message: mark + JSON.stringify({}), input: undefined }] }
  }
}

/** What the schema says of its own about the issue; null where it says nothing. */
export function saidOf({ message }: { readonly message: string }): string | null {
  return message.startsWith(mark) ? null : message
}

export function unsaidOf({ message }: { readonly message: string }): Unsaid {
  return message.startsWith(mark) ? (JSON.parse(message.slice(mark.length)) as Unsaid) : {}
}

function unsaid(issue: z.core.$ZodRawIssue): string {
  const { schema } = issue
  const def = schema?._zod.def as { readonly shape?: object } | undefined
  const known = issue.code === 'unrecognized_keys' ? Object.keys(def?.shape ?? {}) : undefined
  const title = schema === undefined ? undefined : z.globalRegistry.get(schema)?.title
  return mark + JSON.stringify({ known, title } satisfies { [key in keyof Unsaid]: unknown })
}
