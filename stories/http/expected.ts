import { jsonPath, limit, z } from 'healthz'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** What a page must hold. */
export const body = z.strictObject({
  contains: z.string().min(1).optional(),
  matches: z
    .string()
    .min(1)
    .refine(isRegExp, { error: 'not a regular expression' })
    .transform((pattern) => new RegExp(pattern))
    .optional(),
  json: z.strictObject({ path: jsonPath(), is: scalar }).optional(),
})

/** What is to be read out of a page in JSON, and how it is judged. */
export const figure = z.strictObject({
  path: jsonPath(),
  name: z.string().min(1).meta({ description: 'how people are told of it; the path if left out' }).optional(),
  warn: limit().optional(),
  crit: limit().optional(),
  minimum: z
    .string()
    .regex(/\d/, { error: 'not a version' })
    .meta({ description: 'the least version' })
    .optional(),
  advice: z.string().min(1).optional(),
})

export type Figure = z.output<typeof figure>
export type Body = z.output<typeof body>

function isRegExp(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp
  } catch {
    return false
  }
}
