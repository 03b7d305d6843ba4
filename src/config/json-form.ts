import { z } from 'zod'

/** A JSON schema, or a part of one. */
export type Json = { readonly [key: string]: unknown }

/** A part that stands among the definitions. */
function definition(name: keyof typeof definitions): Json {
  return { $ref: `#/definitions/${name}` }
}

/** What is said in many places. */
export const definitions = {
  placeholder: {
    type: 'string',
    pattern: '\\{[^{}]+\\}',
    description: '${NAME}, ${NAME:-default} or ${file:/path}; {key} inside an entry with `each`',
  },
  duration: {
    type: 'string',
    pattern: '^\\s*(\\d+(\\.\\d+)?\\s*(ms|min|s|m|h|d|w)\\s*)+$|\\{[^{}]+\\}',
    examples: ['30s', '10m', '1h30m'],
  },
} as const satisfies Readonly<Record<string, Json>>

/** What may be written for a zod schema. What has no form in JSON schema may be anything. */
export function jsonForm(schema: z.core.$ZodType): Json {
  try {
    const settings = { io: 'input', target: 'draft-7', unrepresentable: 'any' } as const
    const { $schema: _, definitions: __, ...form } = z.toJSONSchema(schema, settings)
    return loosen(form as Json)
  } catch {
    return {}
  }
}

/** Lets a placeholder stand for whatever is not just any text, and drops what says nothing. */
function loosen(form: Json): Json {
  const { title, description, default: standard, examples, ...rest } = form
  const notes = { title, description, examples, default: isEmpty(standard) ? undefined : standard }
  return compact(
    title === 'duration'
      ? { description, default: standard, ...isA('duration') }
      : { ...notes, ...loosened(rest) },
  )
}

function loosened(form: Json): Json {
  const { anyOf, oneOf, allOf, $ref, ...rest } = form
  // A part that holds itself, or has a name of its own: its definition is not carried along.
  if ($ref !== undefined) return {}
  if (isScalar(form)) return { anyOf: [bare(form), definition('placeholder')] }
  const either = anyOf ?? oneOf
  return {
    ...withParts(rest),
    anyOf: Array.isArray(either) ? [...either.map(branch), definition('placeholder')] : undefined,
    allOf: Array.isArray(allOf) ? allOf.map(loosenAny) : undefined,
  }
}

function branch(form: Json): Json {
  return isScalar(form) ? bare(form) : loosen(form)
}

function withParts(form: Json): Json {
  const { properties, propertyNames, additionalProperties, items } = form
  return {
    ...form,
    properties: isForm(properties) ? mapValues(properties, loosenAny) : undefined,
    propertyNames: isForm(propertyNames) && 'pattern' in propertyNames ? propertyNames : undefined,
    additionalProperties: isEmpty(additionalProperties) ? undefined : loosenAny(additionalProperties),
    items: loosenAny(items),
  }
}

/** In draft 7 nothing may stand beside a reference itself. */
function isA(name: keyof typeof definitions): Json {
  return { allOf: [definition(name)] }
}

function loosenAny(form: unknown): unknown {
  return isForm(form) ? loosen(form) : form
}

const constraints = ['enum', 'const', 'pattern', 'format']

function isScalar({ type, ...form }: Json): boolean {
  if (type === 'number' || type === 'integer' || type === 'boolean') return true
  return constraints.some((word) => word in form)
}

/** Without the bounds that every whole number has, and without the notes of a branch. */
function bare({ title: _, examples: __, ...form }: Json): Json {
  const limits = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER] as unknown[]
  return Object.fromEntries(Object.entries(form).filter(([, value]) => !limits.includes(value)))
}

function mapValues(forms: Json, change: (form: unknown) => unknown): Json {
  return Object.fromEntries(Object.entries(forms).map(([key, form]) => [key, change(form)]))
}

function compact(form: Json): Json {
  return Object.fromEntries(Object.entries(form).filter(([, value]) => value !== undefined))
}

function isForm(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
