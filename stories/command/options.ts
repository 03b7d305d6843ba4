import { duration, secret, z } from 'healthz'
import { range } from './range.ts'

const argv = () =>
  z
    .tuple([z.string().min(1)], z.string())
    .meta({ description: 'the program and its arguments, each a word of its own; there is no shell' })

const figure = z
  .strictObject({
    label: z.string().min(1).meta({ description: 'as the program names it' }),
    warn: range().optional(),
    crit: range().optional(),
    advice: z.string().min(1).optional(),
  })
  .refine(({ warn, crit }) => warn !== undefined || crit !== undefined, { error: 'give "warn" or "crit"' })

/** What `with:` of an entry may hold. */
export const options = z
  .strictObject({
    command: argv(),
    env: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/, { error: 'not the name of a variable' }), secret())
      .meta({
        description: 'what the program needs to know, such as passwords; arguments can be seen by others',
      })
      .default({}),
    cwd: z.string().startsWith('/', { error: 'not an absolute path' }).default('/'),
    timeout: duration('8s').meta({
      description: 'how long it may take; for more than 8s raise `deadlines` of the entry too',
    }),
    output: z
      .enum(['text', 'json'])
      .meta({ description: '`json`: it prints {"problems": [{"severity", "message", "solution"}]}' })
      .default('text'),
    exits: z
      .record(
        z.string().regex(/^\d{1,3}$/, { error: 'not an exit status' }),
        z.enum(['ok', 'warning', 'critical', 'unknown']),
      )
      .meta({ description: 'what an exit status means, beside 0 ok, 1 warning, 2 critical and 3 unknown' })
      .default({}),
    perfdata: z
      .array(figure)
      .max(50)
      .meta({ description: 'figures in what the program prints after "|", as plugins of Nagios do' })
      .default([]),
    advice: z.string().min(1).optional(),
    resolve: z
      .strictObject({ command: argv(), timeout: duration('30s') })
      .meta({
        description: 'a program that may mend it; it runs when a person consents, and the check is run again',
      })
      .optional(),
  })
  .refine(({ output, perfdata }) => output === 'text' || perfdata.length === 0, {
    error: '"perfdata" is for programs that print text',
  })

export type Options = z.output<typeof options>
export type Figure = Options['perfdata'][number]
