import { z } from 'zod'
import { name, severity, someOf, span, tellings } from './fields.ts'

const routeSchema = z.strictObject({
  match: z
    .strictObject({
      severity: someOf(severity()).optional(),
      story: someOf(z.string()).optional().describe('kinds of stories'),
      entry: someOf(z.string()).optional().describe('names of entries'),
      tag: someOf(z.string()).optional(),
    })
    .default({})
    .describe('all that is named here must hold; left out: everything'),
  to: z.array(z.string()).describe('names of channels; an empty list tells nobody'),
  continue: z.boolean().default(false).describe('whether the routes after this one have their say as well'),
})

const flappingSchema = z.strictObject({
  raises: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe('more raises than these within the window are flapping'),
  window: span('1s').prefault('1h'),
  calm: span('0s').prefault('10m').describe('how long it must stay good to be over'),
})

/** When people are told, and who. */
export const alarmsSchema = z
  .strictObject({
    groupWait: span('0s')
      .prefault('10s')
      .describe('how long the first alarm waits for others, to go out as one message'),
    remindEvery: z
      .union([z.literal(['never', false]).transform(() => null), span('1m')])
      .prefault('4h')
      .describe('how often people are reminded of a problem that stays; `never`'),
    routes: z
      .array(routeSchema)
      .default([])
      .describe(
        'who is told of what; the first route that matches decides. None: every channel gets everything',
      ),
    fallback: name().optional().describe('the channel that takes what another could not deliver'),
    fallbackAfter: span('1s').prefault('10m').describe('how long the other channel is waited for'),
    afterCause: span('0s')
      .prefault('1m')
      .describe(
        'how long what a cause took with it may take to come back once that is mended, before it is told',
      ),
    confirm: tellings().default(2).describe('bad tellings in a row before a problem is believed'),
    clear: tellings().default(2).describe('good tellings in a row before it is over'),
    blindAfter: tellings()
      .default(3)
      .describe('tellings in a row that could not tell before that is a problem'),
    flapping: flappingSchema.prefault({}),
  })
  .describe('when people are told, and who')
