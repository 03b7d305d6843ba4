import { z } from 'zod'
import { name, severity, span, tellings } from './fields.ts'

const modeSchema = z
  .literal(['auto', 'ask', 'off', false])
  .transform((mode) => (mode === false ? ('off' as const) : mode))

const resolveSchema = z.strictObject({
  mode: modeSchema
    .prefault('auto')
    .describe('`auto`: safe cures run; `ask`: a person is asked; `off`: none is offered'),
  allow: z.array(z.string()).default([]).describe('steps whose cures run although they would ask'),
  coolDown: span('0s').prefault('5m').describe('least time between two attempts on one problem'),
  maxAttempts: z.int().min(1).max(100).default(3).describe('attempts on one problem in an hour'),
})

/** An entry of `stories`. What stands in `with` and `steps` is checked against the story. */
export const entrySchema = z.strictObject({
  story: name().describe('the kind of story'),
  name: name().optional().describe("the entry's own name, unique; the story's by default"),
  enabled: z.boolean().default(true),
  every: span('1s').optional().describe('how often it is told'),
  cron: z.string().min(1).optional().describe('when it is told, in place of `every`: five or six fields'),
  timezone: z
    .string()
    .min(1)
    .optional()
    .describe('of `cron`, such as Asia/Shanghai; that of the host by default'),
  jitter: span('0s').prefault('0s').describe('how late a telling may be, at random'),
  tags: z.array(z.string().min(1)).default([]).describe('words to route and to choose by'),
  with: z.record(z.string(), z.unknown()).default({}).describe("the story's options"),
  each: z
    .array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])))
    .min(1)
    .optional()
    .describe('an entry for each of these; their values take the place of {key} in `name` and in `with`'),
  steps: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('single steps: off, on, or a mapping with `severity`, `confirm`, `clear` and limits'),
  severity: severity().optional().describe('the severity of every problem found here'),
  confirm: tellings().optional().describe('bad tellings in a row before a problem is believed'),
  clear: tellings().optional().describe('good tellings in a row before it is over'),
  confirmAfter: span('0s').prefault('5s').describe('how soon a suspicion is told again'),
  resolve: z
    .union([modeSchema.transform((mode) => resolveSchema.parse({ mode })), resolveSchema])
    .prefault('auto')
    .describe('whether cures run'),
  start: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      'the words of a command that starts the server: a cure for when nothing listens; it asks first',
    ),
  deadlines: z
    .strictObject({
      open: span('10ms').prefault('5s'),
      step: span('10ms').prefault('10s'),
      story: span('10ms').prefault('45s'),
    })
    .prefault({})
    .describe('how long the opening, one step and the whole story may take'),
  scope: z
    .enum(['cluster', 'node'])
    .optional()
    .describe("`cluster`: one node tells it; `node`: every node does, of itself; the story's by default"),
  spread: z
    .enum(['ring', 'leader'])
    .default('ring')
    .describe('which node tells an entry of the cluster: the one that the ring chooses, or the leader'),
  dependsOn: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'entries that it cannot work without, or single steps of them as `entry/step`: while one is broken, people hear of that alone',
    ),
  role: name().optional().describe('only nodes with this role tell it, each of itself'),
})

export type EntrySettings = z.output<typeof entrySchema>

/** What an entry says of one step beside its limits. */
export const stepPolicySchema = z.strictObject({
  severity: severity().optional().describe('the severity of what this step finds'),
  confirm: tellings().optional().describe('bad tellings in a row before it is believed'),
  clear: tellings().optional().describe('good tellings in a row before it is over'),
})
