import { z } from 'zod'

/** What a schema says of the keys of its object. */
export interface ObjectShape {
  readonly shape: Readonly<Record<string, z.core.$ZodType>>
  /** Whether the schema itself speaks up about other keys, or wants them. */
  readonly mindsOthers: boolean
}

/** The object that a schema describes as it is written; null where it describes something else. */
export function objectOf(schema: z.core.$ZodType): ObjectShape | null {
  const { def } = inputOf(schema)._zod
  if (def.type !== 'object') return null
  const { shape, catchall } = def as z.core.$ZodObjectDef
  return { shape, mindsOthers: catchall !== undefined }
}

/** The schema of one value inside an object, a record or a list; null where there is no such, or several. */
export function partOf(schema: z.core.$ZodType | null, key: string | number): z.core.$ZodType | null {
  if (schema === null) return null
  const input = inputOf(schema)
  const { def } = input._zod
  if (def.type === 'object') return objectOf(input)?.shape[key] ?? null
  const { element, valueType } = def as { element?: z.core.$ZodType; valueType?: z.core.$ZodType }
  return element ?? valueType ?? null
}

/** What a value is called by its schema, or by one branch of it: `duration`. */
export function titleOf(schema: z.core.$ZodType | null): string | null {
  if (schema === null) return null
  const input = inputOf(schema)
  const title = z.globalRegistry.get(input)?.title
  if (title !== undefined) return title
  const { options = [] } = input._zod.def as { readonly options?: readonly z.core.$ZodType[] }
  return options.map(titleOf).find((found) => found !== null) ?? null
}

/** The schema of what is written, without defaults and without what it is turned into. */
function inputOf(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def as { readonly in?: z.core.$ZodType; readonly innerType?: z.core.$ZodType }
  const inner = def.innerType ?? def.in
  return inner === undefined ? schema : inputOf(inner)
}
